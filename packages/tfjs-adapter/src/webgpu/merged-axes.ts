// Kernels of TF.js' webgpu backend whose WGSL is invalid beyond four axes, by way of fewer: axes that an operation treats
// alike are one axis to it.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'

/** Axes up to which TF.js' own kernels are right. */
const MOST_AXES = 4

const BINARY = [
  ...[tf.Add, tf.Sub, tf.Multiply, tf.RealDiv, tf.Maximum, tf.Minimum, tf.SquaredDifference, tf.Pow],
  ...[tf.Equal, tf.NotEqual, tf.Greater, tf.GreaterEqual, tf.Less, tf.LessEqual, tf.LogicalAnd, tf.LogicalOr],
]

/** A kernel by the way of TF.js' own. */
type Run = (own: tf.KernelFunc, args: Parameters<tf.KernelFunc>[0]) => tf.TensorInfo

/** Replacements that call `stock`, TF.js' own, with fewer axes. */
export function mergedAxes(stock: (name: string) => tf.KernelFunc): tf.KernelConfig[] {
  const kernel = (kernelName: string, run: Run): tf.KernelConfig => {
    const own = stock(kernelName)
    return { kernelName, backendName: 'webgpu', kernelFunc: (args) => run(own, args) }
  }
  return [
    ...BINARY.map((name) => kernel(name, binary)),
    kernel(tf.Prelu, prelu),
    kernel(tf.Select, select),
    kernel(tf.PadV2, pad),
    kernel(tf.StridedSlice, stridedSlice),
  ]
}

const binary: Run = (own, args) => broadcast(own, args, ['a', 'b'])

const prelu: Run = (own, args) => broadcast(own, args, ['x', 'alpha'])

/** An operation on two operands under these names. */
function broadcast(
  own: tf.KernelFunc,
  args: Parameters<tf.KernelFunc>[0],
  names: readonly [string, string],
): tf.TensorInfo {
  const [a, b] = names.map((name) => args.inputs[name]!) as [tf.TensorInfo, tf.TensorInfo]
  const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape)
  if (shape.length <= MOST_AXES) return own(args) as tf.TensorInfo
  const [left, right] = [a, b].map((tensor) => [
    ...Array(shape.length - tensor.shape.length).fill(1),
    ...tensor.shape,
  ])
  // Neighbouring axes are one where both operands have all of them, or the same operand has none.
  const kinds = shape.map((_, axis) => `${left![axis] === shape[axis]} ${right![axis] === shape[axis]}`)
  const merge = (tensor: tf.TensorInfo, padded: readonly number[]): tf.TensorInfo =>
    reshaped(
      tensor,
      padded.reduce<number[]>((merged, length, axis) => {
        if (axis > 0 && kinds[axis] === kinds[axis - 1]) merged[merged.length - 1]! *= length
        else merged.push(length)
        return merged
      }, []),
    )
  const merged = { [names[0]]: merge(a, left!), [names[1]]: merge(b, right!) }
  return reshaped(own({ ...args, inputs: merged }) as tf.TensorInfo, shape)
}

const select: Run = (own, args) => {
  const { condition, t, e } = args.inputs as unknown as Record<'condition' | 't' | 'e', tf.TensorInfo>
  if (t.shape.length <= MOST_AXES || condition.shape.length !== t.shape.length) {
    return own(args) as tf.TensorInfo
  }
  const flat = (tensor: tf.TensorInfo): tf.TensorInfo =>
    reshaped(tensor, [tf.util.sizeFromShape(tensor.shape)])
  const flattened = { condition: flat(condition), t: flat(t), e: flat(e) }
  return reshaped(own({ ...args, inputs: flattened }) as tf.TensorInfo, t.shape)
}

const pad: Run = (own, args) => {
  const { x } = args.inputs as unknown as { x: tf.TensorInfo }
  if (x.shape.length <= MOST_AXES) return own(args) as tf.TensorInfo
  const { paddings, constantValue } = args.attrs as unknown as tf.PadV2Attrs
  return axisByAxis(x, args.backend as WebGPUBackend, own, (axis, [, length]) => {
    const [before, after] = paddings[axis]!
    if (before === 0 && after === 0) return undefined
    const around = [
      [0, 0],
      [before, after],
      [0, 0],
    ]
    return { length: length + before + after, attrs: { paddings: around, constantValue } }
  })
}

const stridedSlice: Run = (own, args) => {
  const { x } = args.inputs as unknown as { x: tf.TensorInfo }
  if (x.shape.length <= MOST_AXES) return own(args) as tf.TensorInfo
  const given = args.attrs as unknown as tf.StridedSliceAttrs
  const { begin, end, strides, finalShapeSparse, finalShape } = tf.slice_util.sliceInfo(
    ...([x.shape, given.begin, given.end, given.strides, given.beginMask, given.endMask] as const),
    ...([given.ellipsisMask, given.newAxisMask, given.shrinkAxisMask] as const),
  )
  const none = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 }
  const taken = axisByAxis(x, args.backend as WebGPUBackend, own, (axis, rows) => {
    const [from, to, by] = [begin[axis]!, end[axis]!, strides[axis]!]
    if (from === 0 && to === rows[1] && by === 1) return undefined
    const along = { begin: [0, from, 0], end: [rows[0], to, rows[2]], strides: [1, by, 1] }
    return { length: finalShapeSparse[axis]!, attrs: { ...none, ...along } }
  })
  return reshaped(taken, finalShape)
}

/** A tensor as one axis between what is before and what is after it. */
type Rows = readonly [before: number, length: number, after: number]

/** What is done along one axis. */
interface AxisStep {
  /** Length afterwards. */
  readonly length: number
  readonly attrs: object
}

/** An operation that does something along each axis by itself, as operations on three axes. */
function axisByAxis(
  x: tf.TensorInfo,
  backend: WebGPUBackend,
  own: tf.KernelFunc,
  step: (axis: number, rows: Rows) => AxisStep | undefined,
): tf.TensorInfo {
  const product = (lengths: readonly number[]): number => tf.util.sizeFromShape([...lengths])
  let current = x
  for (const axis of x.shape.keys()) {
    const { shape } = current
    const rows: Rows = [product(shape.slice(0, axis)), shape[axis]!, product(shape.slice(axis + 1))]
    const taken = step(axis, rows)
    if (!taken) continue
    const inputs = { x: reshaped(current, rows) }
    const next = own({ inputs, attrs: taken.attrs as tf.NamedAttrMap, backend }) as tf.TensorInfo
    if (current !== x) backend.disposeData(current.dataId)
    current = reshaped(
      next,
      shape.map((size, index) => (index === axis ? taken.length : size)),
    )
  }
  if (current !== x) return current
  backend.incRef(x.dataId)
  return { ...x }
}

function reshaped({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  return { dataId, dtype, shape: [...shape] }
}

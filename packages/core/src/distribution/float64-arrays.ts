// The reference binding of ArrayOps: small dense float64 arrays. Clear before fast.
import { ShapeError } from '../errors'
import type { ArrayOps } from './array-ops'

/** A dense array in row-major order. */
export interface Float64NdArray {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Copies values into an array of the given shape. Throws {@link ShapeError} when their number does not fit. */
export function float64Array(values: ArrayLike<number>, shape: readonly number[]): Float64NdArray {
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError('array', {
      found: `${values.length} values`,
      expected: `${sizeOf(shape)} for shape [${shape}]`,
      remedy: 'Give as many values as the shape holds',
    })
  }
  return { shape, data: Float64Array.from(values) }
}

/** The float64 reference that every other implementation of the formulas is tested against. */
export const float64Arrays: ArrayOps<Float64NdArray> = {
  constant: float64Array,
  add: (a, b) => combine(a, b, (x, y) => x + y),
  subtract: (a, b) => combine(a, b, (x, y) => x - y),
  multiply: (a, b) => combine(a, b, (x, y) => x * y),
  exp: (a) => ({ shape: a.shape, data: a.data.map(Math.exp) }),
  sqrt: (a) => ({ shape: a.shape, data: a.data.map(Math.sqrt) }),
  matMul(a, b) {
    // A product over [..., I, K, 1] and [..., 1, K, J], summed over K.
    const products = combine(
      expandDims(a, a.shape.length),
      expandDims(b, b.shape.length - 2),
      (x, y) => x * y,
    )
    return reduce(products, -2, sumOf)
  },
  sum: (a, axis) => reduce(a, axis, sumOf),
  logSumExp: (a, axis) => reduce(a, axis, logSumExpOf),
  transpose(a, order) {
    const strides = stridesOf(a.shape)
    const shape = order.map((axis) => a.shape[axis]!)
    return gather(
      a,
      shape,
      order.map((axis) => strides[axis]!),
    )
  },
  expandDims,
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
}

/** Reads `a` in the order of `shape`, stepping by `strides`. */
function gather(a: Float64NdArray, shape: readonly number[], strides: readonly number[]): Float64NdArray {
  const data = new Float64Array(sizeOf(shape))
  const position = new Array<number>(shape.length).fill(0)
  let source = 0
  for (let target = 0; target < data.length; target++) {
    data[target] = a.data[source]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!
      position[axis]!++
      if (position[axis]! < shape[axis]!) break
      source -= strides[axis]! * shape[axis]!
      position[axis] = 0
    }
  }
  return { shape, data }
}

function combine(
  a: Float64NdArray,
  b: Float64NdArray,
  operation: (x: number, y: number) => number,
): Float64NdArray {
  const shape = broadcastShape(a.shape, b.shape)
  const left = broadcastTo(a, shape).data
  const right = broadcastTo(b, shape).data
  return { shape, data: left.map((x, index) => operation(x, right[index]!)) }
}

function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const axes = Math.max(a.length, b.length)
  return Array.from({ length: axes }, (_, axis) => {
    const left = a[a.length - axes + axis] ?? 1
    const right = b[b.length - axes + axis] ?? 1
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError('arrays', {
        found: `[${a}] and [${b}]`,
        expected: 'shapes that broadcast: equal sizes, or 1, from the last axis on',
        remedy: 'Check the order of the axes',
      })
    }
    return left === 1 ? right : left
  })
}

function broadcastTo(a: Float64NdArray, shape: readonly number[]): Float64NdArray {
  const strides = stridesOf(a.shape)
  const missing = shape.length - a.shape.length
  return gather(
    a,
    shape,
    shape.map((_, axis) => (axis < missing || a.shape[axis - missing] === 1 ? 0 : strides[axis - missing]!)),
  )
}

function expandDims(a: Float64NdArray, axis: number): Float64NdArray {
  const at = axis < 0 ? a.shape.length + 1 + axis : axis
  return { shape: [...a.shape.slice(0, at), 1, ...a.shape.slice(at)], data: a.data }
}

function reduce(
  a: Float64NdArray,
  axis: number,
  operation: (values: Float64Array) => number,
): Float64NdArray {
  const at = axis < 0 ? a.shape.length + axis : axis
  const length = a.shape[at]!
  const inner = sizeOf(a.shape.slice(at + 1))
  const shape = a.shape.toSpliced(at, 1)
  const data = new Float64Array(sizeOf(shape))
  const values = new Float64Array(length)
  for (let index = 0; index < data.length; index++) {
    const start = Math.floor(index / inner) * length * inner + (index % inner)
    for (let step = 0; step < length; step++) values[step] = a.data[start + step * inner]!
    data[index] = operation(values)
  }
  return { shape, data }
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function logSumExpOf(values: Float64Array): number {
  const largest = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY)
  if (largest === Number.NEGATIVE_INFINITY) return largest
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0))
}

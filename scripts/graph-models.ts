// Graph models of TF.js, TensorFlow operations with random weights: for tests of what takes them.
import { standardNormals } from '@stochseg/core'

/** A TensorFlow operation as model.json has it. */
export interface NodeJson {
  readonly name: string
  readonly op: string
  readonly input?: readonly string[]
  readonly attr?: object
}

/** A constant: float32 values at random, times `scale`, or the whole numbers that are given. */
export interface ConstantJson {
  readonly shape: readonly number[]
  readonly values?: readonly number[]
  readonly scale?: number
}

/** What `model.json` and its weights hold. */
export interface GraphArtefacts {
  readonly modelTopology: object
  readonly weightSpecs: {
    readonly name: string
    readonly shape: number[]
    readonly dtype: 'int32' | 'float32'
  }[]
  readonly weightData: ArrayBuffer
}

/** A list of whole numbers as an attribute. */
export const list = (...values: number[]): object => ({ list: { i: values.map(String) } })

/** A list of texts as an attribute. */
export const texts = (...values: string[]): object => ({ list: { s: values.map((value) => btoa(value)) } })

const float = { T: { type: 'DT_FLOAT' } }

/** An operation on floats. */
export const node = (name: string, op: string, input: readonly string[], attr: object = {}): NodeJson => ({
  ...{ name, op, input },
  attr: { ...float, ...attr },
})

/** The attributes of a window in 2D. */
export function window(padding: 'SAME' | 'VALID', stride = 1, size?: readonly number[]): object {
  return {
    strides: list(1, stride, stride, 1),
    dilations: list(1, 1, 1, 1),
    padding: { s: btoa(padding) },
    ...(size ? { ksize: list(1, ...size, 1) } : {}),
  }
}

/** Fused operations as attributes. */
export const fused = (...operations: string[]): object => ({
  fused_ops: texts(...operations),
  num_args: { i: '1' },
  epsilon: { f: 1e-4 },
})

/** The images, called `image`. */
export function placeholder(shape: readonly number[], type = 'DT_FLOAT'): NodeJson {
  const dim = shape.map((size) => ({ size: String(size) }))
  return { name: 'image', op: 'Placeholder', attr: { dtype: { type }, shape: { shape: { dim } } } }
}

/** A graph model of an input, operations and constants. */
export function graphModel(
  image: NodeJson,
  nodes: readonly NodeJson[],
  constants: Readonly<Record<string, ConstantJson>>,
): GraphArtefacts {
  const entries = Object.entries(constants)
  const data = entries.map(([, { shape, values, scale = 1 }], stream) => {
    if (values) return Int32Array.from(values)
    const size = shape.reduce((product, length) => product * length, 1)
    return standardNormals(size, { seed: 3, stream }).map((value) => value * scale)
  })
  const weightSpecs = entries.map(([name, { shape, values }]) => {
    return { name, shape: [...shape], dtype: values ? ('int32' as const) : ('float32' as const) }
  })
  const consts = weightSpecs.map(({ name, dtype, shape }) => {
    const type = dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT'
    const tensorShape = { dim: shape.map((size) => ({ size: String(size) })) }
    return { name, op: 'Const', attr: { dtype: { type }, value: { tensor: { dtype: type, tensorShape } } } }
  })
  const bytes = data.flatMap(({ buffer, byteOffset, byteLength }) => [
    ...new Uint8Array(buffer, byteOffset, byteLength),
  ])
  return {
    modelTopology: { node: [image, ...consts, ...nodes], versions: { producer: 500 } },
    weightSpecs,
    weightData: Uint8Array.from(bytes).buffer,
  }
}

/** Whole numbers as a constant. */
export const whole = (...values: number[]): ConstantJson => ({ shape: [values.length], values })

/**
 * A graph as TensorFlow exports DeepLab: bytes come in and are scaled, MobileNetV2 of output stride 8 with batch normalisation
 * folded, dilated depthwise convolutions between SpaceToBatchND and BatchToSpaceND, the pyramid with the pooled image, logits
 * resized to the size of the image, and the most probable class.
 *
 * Of `size` = 8 n + 1: the pyramid `concat_projection` has n + 1 voxels along each axis and 8 channels, the logits are
 * `logits` `[N, n + 1, n + 1, classes]`.
 */
export function deeplabGraph({
  size,
  classes,
}: {
  readonly size: number
  readonly classes: number
}): GraphArtefacts {
  const small = (size - 1) / 8 + 1
  const nodes: NodeJson[] = []
  const constants: Record<string, ConstantJson> = {
    ...{ scale: { shape: [], scale: 0.5 }, one: { shape: [], scale: 0.3 } },
    ...{ from: whole(1), to: whole(3), step: whole(1), channels: { shape: [], values: [3] } },
    ...{ small: whole(small, small), crops: { shape: [2, 2], values: [] } },
  }
  const add = (name: string, op: string, input: readonly string[], attr: object = {}): string => {
    nodes.push(node(name, op, input, attr))
    return name
  }
  const weights = (name: string, shape: readonly number[], channels: number): string[] => {
    const fan =
      shape.slice(0, -1).reduce((product, length) => product * length, 1) /
      (shape[2] === channels ? channels : 1)
    constants[`${name}/weights`] = { shape, scale: Math.sqrt(2 / Math.max(1, fan)) }
    constants[`${name}/bias`] = { shape: [channels], scale: 0.1 }
    return [`${name}/weights`, `${name}/bias`]
  }
  const convolve = (
    name: string,
    x: string,
    [inputs, outputs]: [number, number],
    kernel = 1,
    stride = 1,
    activation = ['Relu6'],
  ): string =>
    add(name, '_FusedConv2D', [x, ...weights(name, [kernel, kernel, inputs, outputs], outputs)], {
      ...window('SAME', stride),
      ...fused('BiasAdd', ...activation),
    })
  const depthwise = (name: string, x: string, channels: number, stride: number): string =>
    add(name, 'FusedDepthwiseConv2dNative', [x, ...weights(name, [3, 3, channels, 1], channels)], {
      ...window('SAME', stride),
      ...fused('BiasAdd', 'Relu6'),
    })
  /** SAME with a dilation: zeros around, and more behind, so that the blocks divide, which are cropped again. */
  const dilated = (name: string, x: string, channels: number, rate: number): string => {
    const more = (rate - ((small + 2 * rate) % rate)) % rate
    constants[`${name}/block`] = whole(rate, rate)
    constants[`${name}/paddings`] = { shape: [2, 2], values: [rate, rate + more, rate, rate + more] }
    constants[`${name}/crops`] = { shape: [2, 2], values: [0, more, 0, more] }
    const [kernel, bias] = weights(name, [3, 3, channels, 1], channels)
    const phases = add(`${name}/phases`, 'SpaceToBatchND', [x, `${name}/block`, `${name}/paddings`])
    const convolved = add(`${name}/depthwise`, 'DepthwiseConv2dNative', [phases, kernel!], window('VALID'))
    const joined = add(`${name}/joined`, 'BatchToSpaceND', [convolved, `${name}/block`, `${name}/crops`])
    return add(name, 'Relu6', [add(`${name}/biased`, 'BiasAdd', [joined, bias!])])
  }
  const residual = (
    name: string,
    x: string,
    [inputs, outputs]: [number, number],
    stride: number,
    rate: number,
  ): string => {
    const wide = 2 * inputs
    const expanded = convolve(`${name}/expand`, x, [inputs, wide])
    const seen =
      rate > 1
        ? dilated(`${name}/depthwise`, expanded, wide, rate)
        : depthwise(`${name}/depthwise`, expanded, wide, stride)
    const projected = convolve(`${name}/project`, seen, [wide, outputs], 1, 1, [])
    return stride === 1 && inputs === outputs ? add(`${name}/add`, 'AddV2', [x, projected]) : projected
  }

  const floats = add('floats', 'Cast', ['image'], { SrcT: { type: 'DT_UINT8' }, DstT: { type: 'DT_FLOAT' } })
  let x = add('prepared', 'Sub', [add('scaled', 'Mul', [floats, 'scale']), 'one'])
  x = convolve('MobilenetV2/Conv', x, [3, 4], 3, 2)
  x = residual('MobilenetV2/expanded_conv', x, [4, 6], 2, 1)
  x = residual('MobilenetV2/expanded_conv_1', x, [6, 8], 2, 1)
  x = residual('MobilenetV2/expanded_conv_2', x, [8, 8], 1, 2)
  const pooled = add('pool', 'AvgPool', [x], window('VALID', small, [small, small]))
  const branches = [
    add('pool/resized', 'ResizeBilinear', [convolve('image_pooling', pooled, [8, 6]), 'small'], {
      align_corners: { b: true },
    }),
    convolve('aspp0', x, [8, 6]),
    ...[2, 3].map((rate) =>
      convolve(`aspp${rate}_pointwise`, dilated(`aspp${rate}_depthwise`, x, 8, rate), [8, 6]),
    ),
  ]
  const joined = add('concat', 'ConcatV2', [...branches, 'channels'], { N: { i: String(branches.length) } })
  x = convolve('concat_projection', joined, [6 * branches.length, 8])
  x = convolve('logits', x, [8, classes], 1, 1, [])
  const shape = add('shape', 'Shape', ['image'], { T: { type: 'DT_UINT8' }, out_type: { type: 'DT_INT32' } })
  const spatial = add('spatial', 'StridedSlice', [shape, 'from', 'to', 'step'], {
    ...{ begin_mask: { i: '0' }, end_mask: { i: '0' }, shrink_axis_mask: { i: '0' } },
    ...{ ellipsis_mask: { i: '0' }, new_axis_mask: { i: '0' } },
  })
  const large = add('resized', 'ResizeBilinear', [x, spatial], { align_corners: { b: true } })
  add('ArgMax', 'ArgMax', [large, 'channels'], { output_type: { type: 'DT_INT64' } })
  delete constants.crops
  return graphModel(placeholder([1, size, size, 3], 'DT_UINT8'), nodes, constants)
}

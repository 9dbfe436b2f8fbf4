import { readFileSync } from 'node:fs'
import { ModelError, standardNormals } from '@stochseg/core'
import '@tensorflow/tfjs-backend-cpu'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import {
  type ConstantJson,
  deeplabGraph,
  fused,
  graphModel,
  list,
  type NodeJson,
  node,
  placeholder,
  whole,
  window,
} from '../../../../scripts/graph-models'
import { referenceData } from '../../../../scripts/reference-data'
import { OnnxSegmenter } from '../onnx-segmenter'
import { runOnnx } from '../run-onnx'
import { wrapOnnx } from '../wrap-onnx/wrap-onnx'
import { exportGraphModel, type GraphModelArtefacts, type GraphModelOptions } from './export-graph-model'

beforeAll(() => tf.setBackend('cpu'))

const image = placeholder([-1, -1, -1, 3])
const flag = (name: string, b = true): object => ({ [name]: { b } })
const number = (name: string, i: number): object => ({ [name]: { i: String(i) } })
const masks = (masks: Readonly<Record<string, number>>): object =>
  Object.assign(
    {},
    ...['begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis'].map((kind) =>
      number(`${kind}_mask`, masks[kind] ?? 0),
    ),
  )

const planar = (x: tf.Tensor): tf.Tensor =>
  tf.transpose(x, [0, x.rank - 1, ...Array.from({ length: x.rank - 2 }, (_, axis) => axis + 1)])

/** Compares the last tensor, or the one that is named, on images of a size, bytes where the model reads such. */
async function compare(
  artefacts: GraphModelArtefacts,
  size: readonly number[],
  { tolerance = 1e-5, ...options }: GraphModelOptions & { readonly tolerance?: number } = {},
): Promise<void> {
  const net = await loadGraphModel(tf.io.fromMemory(artefacts as tf.io.ModelArtifacts))
  const { name, dtype, shape: taken } = net.inputs[0]!
  const shape = [1, ...size, taken?.at(-1) ?? 3]
  const values = standardNormals(tf.util.sizeFromShape(shape), { seed: 8 })
  const bytes = dtype === 'int32'
  const x = tf.tensor(bytes ? values.map((value) => Math.round(20 * value)) : values, shape)
  const input = planar(x)
  const expected = net.execute(tf.cast(x, dtype), options.outputs?.[0]) as tf.Tensor
  const found = Object.values(
    await runOnnx(exportGraphModel(artefacts, options), {
      [name]: { shape: input.shape, data: input.dataSync() as Float32Array },
    }),
  )[0]!
  const reference = expected.rank === x.rank ? planar(expected) : expected
  expect(found.shape).toEqual(reference.shape)
  expect(relativeError(found.data, reference.dataSync())).toBeLessThan(tolerance)
}

type Constants = Readonly<Record<string, ConstantJson>>

/** Operations between two convolutions, so that every tensor behind them is one that the network computes. */
const operations: readonly [string, NodeJson[], Constants][] = [
  [
    'bytes, made whole',
    [node('y', 'Cast', ['x'], { SrcT: { type: 'DT_FLOAT' }, DstT: { type: 'DT_INT32' } })],
    {},
  ],
  [
    'arithmetic',
    [node('a', 'Sub', ['x', 'c']), node('b', 'RealDiv', ['a', 'd']), node('y', 'AddN', ['a', 'b'])],
    { c: { shape: [4] }, d: { shape: [] } },
  ],
  [
    'squares and roots',
    [
      node('a', 'Square', ['x']),
      node('b', 'Sqrt', ['a']),
      node('c', 'Exp', ['b']),
      node('d', 'Rsqrt', ['c']),
      node('e', 'SquaredDifference', ['d', 'x']),
      node('y', 'Pow', ['c', 'half']),
      node('z', 'Maximum', ['y', 'e']),
    ],
    { half: { shape: [], scale: 0.1 } },
  ],
  [
    'activations',
    [
      node('a', 'Prelu', ['x', 'slopes']),
      node('b', 'Selu', ['a']),
      node('c', 'Softplus', ['b']),
      node('d', 'Neg', ['c']),
      node('e', 'Exp', ['d']),
      node('f', 'Abs', ['e']),
      node('y', 'LogSoftmax', ['f']),
    ],
    { slopes: { shape: [4] } },
  ],
  [
    'a leaky fusion',
    [
      node('y', '_FusedConv2D', ['x', 'k', 'b'], {
        ...window('SAME'),
        ...fused('BiasAdd', 'LeakyRelu'),
        leakyrelu_alpha: { f: 0.3 },
      }),
    ],
    { k: { shape: [1, 1, 4, 4] }, b: { shape: [4] } },
  ],
  [
    'a transposed convolution to a computed size, and normalisation',
    [
      node('shape', 'Shape', ['x']),
      node('batch', 'StridedSlice', ['shape', 'zero', 'one', 'one'], masks({ shrink_axis: 1 })),
      node('size', 'Pack', ['batch', 'height', 'width', 'channels']),
      node('a', 'Conv2DBackpropInput', ['size', 'k', 'x'], window('SAME', 2)),
      node('y', 'FusedBatchNormV3', ['a', 'scale', 'bias', 'mean', 'variance'], { epsilon: { f: 0.01 } }),
    ],
    {
      ...{ zero: whole(0), one: whole(1), k: { shape: [3, 3, 2, 4] }, scale: { shape: [2] } },
      ...{ height: { shape: [], values: [12] }, width: { shape: [], values: [16] } },
      ...{ channels: { shape: [], values: [2] }, bias: { shape: [2] }, mean: { shape: [2] } },
      variance: whole(2, 3),
    },
  ],
  [
    'transposed convolutions to odd sizes',
    [
      node('a', 'Conv2DBackpropInput', ['small', 'k', 'x'], window('SAME', 2)),
      node('y', 'Conv2DBackpropInput', ['large', 'l', 'a'], window('VALID', 3)),
    ],
    {
      ...{ small: whole(1, 11, 15, 4), k: { shape: [3, 4, 4, 4] } },
      ...{ large: whole(1, 34, 45, 2), l: { shape: [2, 3, 2, 4] } },
    },
  ],
  [
    'pools of single voxels at a stride',
    [
      node('a', 'MaxPool', ['x'], window('SAME', 3, [1, 1])),
      node('b', 'AvgPool', ['x'], window('SAME', 3, [1, 1])),
      node('y', 'Add', ['a', 'b']),
    ],
    {},
  ],
  [
    // As skip connections of odd sizes need it: 6 × 8 of 3 × 4 and 2 × 3, by kernels of less, of more and of the stride.
    'transposed convolutions to the size of another tensor',
    [
      node('shape', 'Shape', ['x']),
      node('half', 'MaxPool', ['x'], window('SAME', 2, [2, 2])),
      node('third', 'MaxPool', ['x'], window('SAME', 3, [3, 3])),
      node('a', 'Conv2DBackpropInput', ['shape', 'k', 'half'], window('SAME', 2)),
      node('b', 'Conv2DBackpropInput', ['shape', 'k', 'third'], window('SAME', 3)),
      node('c', 'Conv2DBackpropInput', ['shape', 'l', 'third'], window('SAME', 3)),
      node('d', 'Conv2DBackpropInput', ['shape', 'm', 'third'], window('VALID', 3)),
      node('y', 'ConcatV2', ['a', 'b', 'c', 'd', 'channel'], number('N', 4)),
    ],
    {
      ...{ k: { shape: [3, 5, 4, 4] }, l: { shape: [2, 1, 4, 4] }, m: { shape: [2, 1, 4, 4] } },
      channel: { shape: [], values: [3] },
    },
  ],
  [
    'explicit padding',
    [
      node('y', 'Conv2D', ['x', 'k'], {
        ...window('SAME', 2),
        padding: { s: btoa('EXPLICIT') },
        explicit_paddings: { list: { i: ['0', '0', '1', '0', '0', '2', '0', '0'] } },
      }),
    ],
    { k: { shape: [3, 3, 4, 2] } },
  ],
  [
    'reductions that keep their axes',
    [
      node('a', 'Mean', ['x', 'channel'], flag('keep_dims')),
      node('b', 'Max', ['x', 'rows'], flag('keep_dims')),
      node('y', 'Sub', ['a', 'b']),
    ],
    { channel: whole(-1), rows: whole(1) },
  ],
  [
    'reductions that do not',
    [node('a', 'Sum', ['x', 'channel']), node('b', 'Min', ['a', 'rows']), node('y', 'Neg', ['b'])],
    { channel: whole(3), rows: whole(1) },
  ],
  [
    'squeeze and excitation on vectors',
    [
      node('a', 'Mean', ['x', 'axes']),
      node('b', '_FusedMatMul', ['a', 'k', 'bias'], fused('BiasAdd', 'Relu')),
      node('c', 'MatMul', ['b', 'l'], flag('transpose_b')),
      node('d', 'Sigmoid', ['c']),
      node('shape', 'Shape', ['d']),
      node('batch', 'StridedSlice', ['shape', 'zero', 'one', 'one'], masks({ shrink_axis: 1 })),
      node('target', 'Pack', ['batch', 'single', 'single', 'four']),
      node('e', 'Reshape', ['d', 'target']),
      node('y', 'Mul', ['x', 'e']),
    ],
    {
      ...{ axes: whole(1, 2), k: { shape: [4, 2] }, bias: { shape: [2] }, l: { shape: [4, 2] } },
      ...{
        zero: whole(0),
        one: whole(1),
        single: { shape: [], values: [1] },
        four: { shape: [], values: [4] },
      },
    },
  ],
  [
    'sizes computed from shapes',
    [
      node('shape', 'Shape', ['x']),
      node('size', 'StridedSlice', ['shape', 'one', 'three', 'one'], masks({})),
      node('double', 'Mul', ['size', 'twos']),
      node('a', 'ResizeNearestNeighbor', ['x', 'double']),
      node('b', 'ResizeBilinear', ['a', 'size'], flag('half_pixel_centers')),
      node('inner', 'GatherV2', ['shape', 'middle', 'zero']),
      node('all', 'Prod', ['inner', 'zero']),
      node('single', 'ExpandDims', ['all', 'zero']),
      node('rows', 'ConcatV2', ['minus', 'single', 'four', 'zero'], number('N', 3)),
      node('y', 'Reshape', ['b', 'rows']),
    ],
    {
      ...{
        one: whole(1),
        three: whole(3),
        twos: whole(2, 2),
        middle: whole(1, 2),
        minus: whole(-1),
        four: whole(4),
      },
      zero: { shape: [], values: [0] },
    },
  ],
  [
    'rows and back',
    [
      node('a', 'Reshape', ['x', 'rows']),
      node('b', 'Softmax', ['a']),
      node('y', 'Reshape', ['b', 'image_shape']),
    ],
    { rows: whole(-1, 4), image_shape: whole(-1, 6, 8, 4) },
  ],
  ['transposition', [node('y', 'Transpose', ['x', 'order'])], { order: whole(0, 2, 1, 3) }],
  [
    'slices',
    [
      node('a', 'Slice', ['x', 'begin', 'size']),
      node('y', 'StridedSlice', ['a', 'start', 'stop', 'steps'], masks({ end: 4 })),
    ],
    {
      begin: whole(0, 1, 0, 1),
      size: whole(-1, 4, -1, 3),
      start: whole(0, 0, 1),
      stop: whole(1, 3, 0),
      steps: whole(1, 2, 1),
    },
  ],
  [
    'one channel',
    [node('y', 'StridedSlice', ['x', 'start', 'stop', 'steps'], masks({ begin: 7, end: 7, shrink_axis: 8 }))],
    { start: whole(0, 0, 0, -1), stop: whole(0, 0, 0, 0), steps: whole(1, 1, 1, 1) },
  ],
  [
    'axes that come and go',
    [
      node('a', 'ExpandDims', ['x', 'first']),
      node('y', 'Squeeze', ['a'], { squeeze_dims: { list: { i: ['1'] } } }),
    ],
    { first: whole(1) },
  ],
  [
    'repetition',
    [node('a', 'Mean', ['x', 'axes'], flag('keep_dims')), node('y', 'Tile', ['a', 'times'])],
    { axes: whole(1, 2), times: whole(1, 6, 8, 1) },
  ],
  [
    'broadcasting to a shape',
    [
      node('a', 'Mean', ['x', 'axes'], flag('keep_dims')),
      node('shape', 'Shape', ['x']),
      node('y', 'BroadcastTo', ['a', 'shape']),
    ],
    { axes: whole(1, 2) },
  ],
  [
    'padding with a value, and by a mirror',
    [
      node('a', 'PadV2', ['x', 'pads', 'value']),
      node('y', 'MirrorPad', ['a', 'pads'], { mode: { s: btoa('REFLECT') } }),
    ],
    { pads: { shape: [4, 2], values: [0, 0, 1, 2, 0, 1, 0, 0] }, value: { shape: [] } },
  ],
  [
    'depth to space',
    [node('y', 'DepthToSpace', ['x'], { ...number('block_size', 2), data_format: { s: btoa('NHWC') } })],
    {},
  ],
  [
    'the most probable class',
    [node('y', 'ArgMax', ['x', 'channel'])],
    { channel: { shape: [], values: [-1] } },
  ],
  [
    'channels that are split, and the largest of each part',
    [node('a', 'Reshape', ['x', 'parts']), node('b', 'Max', ['a', 'part']), node('y', 'Mul', ['b', 'c'])],
    { parts: whole(-1, 6, 8, 2, 2), part: whole(3), c: { shape: [2] } },
  ],
  [
    'channels that are split, and the largest place in each part',
    [node('a', 'Reshape', ['x', 'parts']), node('y', 'ArgMax', ['a', 'part'])],
    { parts: whole(-1, 6, 8, 2, 2), part: { shape: [], values: [-1] } },
  ],
  [
    'a constant by way of another name',
    [node('k/read', 'Identity', ['k']), node('y', 'Conv2D', ['x', 'k/read'], window('VALID'))],
    { k: { shape: [2, 2, 4, 3] } },
  ],
]

const dilatedConvolution = (
  padded: readonly number[],
  cropped: readonly number[],
  { op = 'Conv2D', dilation = 1, block = [2, 3] } = {},
): GraphModelArtefacts =>
  graphModel(
    image,
    [
      node('phases', 'SpaceToBatchND', ['image', 'block', 'paddings']),
      node('inner', op, ['phases', 'k'], {
        ...window('VALID'),
        dilations: list(1, dilation, 1, 1),
      }),
      node('y', 'BatchToSpaceND', ['inner', 'block', 'crops']),
    ],
    {
      ...{ block: whole(...block), k: { shape: [3, 3, 3, 2] } },
      ...{ paddings: { shape: [2, 2], values: [...padded] }, crops: { shape: [2, 2], values: [...cropped] } },
    },
  )

describe('exportGraphModel', () => {
  it('computes what TF.js does', async () => {
    const half = { ...flag('half_pixel_centers'), ...flag('align_corners', false) }
    const artefacts = graphModel(
      image,
      [
        node('fused', '_FusedConv2D', ['image', 'k0', 'b0'], {
          ...window('SAME'),
          ...fused('BiasAdd', 'Relu6'),
        }),
        node('deep', 'DepthwiseConv2dNative', ['fused', 'k1'], window('SAME', 2)),
        node('biased', 'BiasAdd', ['deep', 'b1']),
        node('leaky', 'LeakyRelu', ['biased'], { alpha: { f: 0.3 } }),
        node('global', 'Mean', ['leaky', 'axes'], flag('keep_dims')),
        node('gate', 'Sigmoid', ['global']),
        node('gated', 'Mul', ['leaky', 'gate']),
        node('pooled', 'MaxPool', ['gated'], window('VALID', 2, [2, 2])),
        node('large', 'ResizeBilinear', ['pooled', 'size'], half),
        node('joined', 'ConcatV2', ['large', 'fused', 'axis'], { N: { i: '2' } }),
        node('padded', 'Pad', ['joined', 'pads']),
        node('last', 'Conv2D', ['padded', 'k2'], window('VALID')),
        node('output', 'Softmax', ['last']),
      ],
      {
        ...{
          k0: { shape: [3, 3, 3, 4] },
          b0: { shape: [4] },
          k1: { shape: [3, 3, 4, 2] },
          b1: { shape: [8] },
        },
        ...{ axes: whole(1, 2), size: whole(8, 12), axis: { shape: [], values: [3] } },
        ...{ pads: { shape: [4, 2], values: [0, 0, 1, 2, 0, 1, 0, 0] }, k2: { shape: [2, 3, 12, 3] } },
      },
    )
    await compare(artefacts, [8, 12])
  })

  it.each(operations)('computes %s', async (_, nodes, constants) => {
    const before = node('x', 'Conv2D', ['image', 'kernel'], window('SAME'))
    const artefacts = graphModel(image, [before, ...nodes], { ...constants, kernel: { shape: [1, 1, 3, 4] } })
    await compare(artefacts, [6, 8])
  })

  it('computes in 3D', async () => {
    const volume = (stride: number, more: object = {}): object => ({
      ...{ strides: list(1, stride, stride, stride, 1), dilations: list(1, 1, 1, 1, 1) },
      ...{ padding: { s: btoa('SAME') }, data_format: { s: btoa('NDHWC') }, ...more },
    })
    const artefacts = graphModel(
      placeholder([-1, -1, -1, -1, 2]),
      [
        node('a', 'Conv3D', ['image', 'k'], volume(1)),
        node('b', 'BiasAdd', ['a', 'bias']),
        node('c', 'MaxPool3D', ['b'], volume(2, { ksize: list(1, 2, 2, 2, 1) })),
        node('d', 'AvgPool3D', ['c'], volume(1, { ksize: list(1, 3, 3, 3, 1) })),
        node('e', 'Mean', ['d', 'axes'], flag('keep_dims')),
        node('f', 'Sub', ['d', 'e']),
        node('phases', 'SpaceToBatchND', ['f', 'block', 'paddings']),
        node('inner', 'Conv3D', ['phases', 'l'], { ...volume(1), padding: { s: btoa('VALID') } }),
        node('y', 'BatchToSpaceND', ['inner', 'block', 'crops']),
      ],
      {
        ...{ k: { shape: [3, 3, 3, 2, 4] }, bias: { shape: [4] }, axes: whole(1, 2, 3) },
        ...{ block: whole(1, 2, 3), l: { shape: [2, 2, 1, 4, 3] } },
        ...{ paddings: { shape: [3, 2], values: [0, 0, 1, 2, 0, 2] } },
        crops: { shape: [3, 2], values: [0, 0, 0, 1, 0, 2] },
      },
    )
    await compare(artefacts, [4, 6, 8])
  })

  it.each([
    ['padded to the same size', [2, 2, 3, 4], [0, 0, 0, 1], {}],
    ['depthwise', [2, 2, 3, 4], [0, 0, 0, 1], { op: 'DepthwiseConv2dNative' }],
    ['without padding', [0, 0, 0, 1], [0, 0, 0, 1], {}],
    ['dilated itself', [4, 4, 3, 4], [0, 0, 0, 1], { dilation: 2 }],
  ] as const)(
    'makes a dilated convolution of one between blocks: %s',
    async (_, padded, cropped, options) => {
      await compare(dilatedConvolution(padded, cropped, options), [8, 8])
    },
  )

  it('computes what a DeepLab does, to its labels or to a tensor that is named', async () => {
    const artefacts = deeplabGraph({ size: 33, classes: 3 })
    await compare(artefacts, [33, 33])
    await compare(artefacts, [33, 33], { outputs: ['resized'] })
    await compare(artefacts, [33, 33], { outputs: ['concat_projection'] })
  })

  it('takes images in the place of a node', async () => {
    const artefacts = deeplabGraph({ size: 17, classes: 2 })
    const bytes = exportGraphModel(artefacts, {
      input: { name: 'prepared', channels: 3 },
      outputs: ['logits'],
    })
    const net = await loadGraphModel(tf.io.fromMemory(artefacts as tf.io.ModelArtifacts))
    const x = tf.tensor(standardNormals(17 * 17 * 3, { seed: 1 }), [1, 17, 17, 3])
    const expected = planar(net.execute({ prepared: x }, 'logits') as tf.Tensor)
    const image = { shape: [1, 3, 17, 17], data: planar(x).dataSync() as Float32Array }
    const { logits } = await runOnnx(bytes, { prepared: image })
    expect(relativeError(logits!.data, expected.dataSync())).toBeLessThan(1e-5)
  })

  it('gives a DeepLab that can be wrapped', async () => {
    const wrapped = await wrapOnnx(exportGraphModel(deeplabGraph({ size: 33, classes: 3 })), {
      classes: 3,
      rank: 2,
    })
    const segmenter = await OnnxSegmenter.load(wrapped)
    expect(segmenter.metadata).toMatchObject({ channels: 3, properties: { features: 'concat_projection' } })
    const image = standardNormals(33 * 33 * 3, { seed: 2 })
    const distribution = await segmenter.predict(image, 1, [33, 33])
    expect(distribution.spatial).toEqual([33, 33])
    await segmenter.dispose()
  })

  it.each([
    [[node('turned', 'ReverseV2', ['image'])], {}, {}, /ReverseV2 'turned': found operation ReverseV2/],
    [[node('y', 'Conv2D', ['image', 'image'], window('SAME'))], {}, {}, /input 1 computed by the network/],
    [
      [node('y', 'DepthToSpace', ['image'], { data_format: { s: btoa('NCHW') } })],
      {},
      {},
      /'y': found data format NCHW; expected channels last/,
    ],
    [
      [node('y', 'Transpose', ['image', 'o'])],
      { o: whole(0, 2, 1, 3) },
      { outputs: ['z'] },
      /no node 'z'.*netron/,
    ],
    [
      [node('n', 'Size', ['image']), node('y', 'ResizeBilinear', ['image', 'n'])],
      {},
      {},
      /Size 'n': found sizes computed by Size/,
    ],
    [
      [node('a', 'SpaceToBatchND', ['image', 'b', 'p']), node('y', 'BatchToSpaceND', ['a', 'b', 'p'])],
      { b: whole(2, 2), p: { shape: [2, 2], values: [0, 0, 0, 0] } },
      {},
      /BatchToSpaceND 'y': found input 'a', SpaceToBatchND; expected a valid convolution/,
    ],
  ] as const)('says what it cannot export (%#)', (nodes, constants, options, message) => {
    const artefacts = graphModel(image, nodes, constants)
    expect(() => exportGraphModel(artefacts, options)).toThrow(message)
    expect(() => exportGraphModel(artefacts, options)).toThrow(ModelError)
  })

  it('refuses what is cropped more than padded, blocks of some axes alone, and other models', () => {
    expect(() => exportGraphModel(dilatedConvolution([0, 0, 0, 1], [1, 1, 0, 1]))).toThrow(/no more cropped/)
    const rows = dilatedConvolution([0, 0, 0, 0], [0, 0, 0, 0], { block: [2] })
    expect(() => exportGraphModel(rows)).toThrow(/blocks for each axis/)
    expect(() => exportGraphModel({ modelTopology: { class_name: 'Model' } })).toThrow(ModelError)
  })

  const selfie = referenceData('networks/selfie-tfjs')
  it.skipIf(!selfie)(
    'computes what a published network does, which can be wrapped then (needs networks/selfie-tfjs)',
    async () => {
      const { modelTopology, weightsManifest, signature } = JSON.parse(
        readFileSync(`${selfie}/selfie.json`, 'utf8'),
      )
      const weightData = new Uint8Array(readFileSync(`${selfie}/selfie.bin`)).buffer
      const artefacts = { modelTopology, signature, weightSpecs: weightsManifest[0].weights, weightData }
      await compare(artefacts, [256, 256], { tolerance: 1e-4 })
      const segmenter = await OnnxSegmenter.load(
        await wrapOnnx(exportGraphModel(artefacts), { classes: 1, rank: 2 }),
      )
      expect(segmenter.metadata).toMatchObject({ channels: 3, fixedSize: true, minimumSize: [256, 256] })
      await segmenter.dispose()
    },
  )
})

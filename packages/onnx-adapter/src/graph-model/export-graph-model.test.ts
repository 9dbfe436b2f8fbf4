import { readFileSync } from 'node:fs'
import { ModelError, standardNormals } from '@stochseg/core'
import '@tensorflow/tfjs-backend-cpu'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { relativeError } from '../../../../scripts/expect-close'
import { referenceData } from '../../../../scripts/reference-data'
import { OnnxSegmenter } from '../onnx-segmenter'
import { runOnnx } from '../run-onnx'
import { wrapOnnx } from '../wrap-onnx/wrap-onnx'
import { exportGraphModel, type GraphModelArtefacts } from './export-graph-model'

beforeAll(() => tf.setBackend('cpu'))

interface NodeJson {
  readonly name: string
  readonly op: string
  readonly input?: readonly string[]
  readonly attr?: object
}

const list = (...values: number[]): object => ({ list: { i: values.map(String) } })
const float = { T: { type: 'DT_FLOAT' } }
const image: NodeJson = {
  name: 'image',
  op: 'Placeholder',
  attr: {
    dtype: { type: 'DT_FLOAT' },
    shape: { shape: { dim: [-1, -1, -1, 3].map((size) => ({ size: String(size) })) } },
  },
}
const convolution = {
  strides: list(1, 1, 1, 1),
  dilations: list(1, 1, 1, 1),
  padding: { s: btoa('SAME') },
  ...float,
}

/** A graph model of these nodes, and of constants with random values, or those given. */
function graphModel(
  nodes: readonly NodeJson[],
  constants: Readonly<Record<string, { shape: number[]; values?: number[] }>>,
): GraphModelArtefacts {
  const names = Object.keys(constants)
  const data = names.map((name, stream) => {
    const { shape, values } = constants[name]!
    if (values) return new Uint8Array(Int32Array.from(values).buffer)
    return new Uint8Array(standardNormals(tf.util.sizeFromShape(shape), { seed: 3, stream }).slice().buffer)
  })
  const weightSpecs = names.map((name) => {
    return { name, shape: constants[name]!.shape, dtype: constants[name]!.values ? 'int32' : 'float32' }
  })
  const consts = weightSpecs.map(({ name, dtype, shape }) => {
    const type = dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT'
    const tensorShape = { dim: shape.map((size) => ({ size: String(size) })) }
    return { name, op: 'Const', attr: { dtype: { type }, value: { tensor: { dtype: type, tensorShape } } } }
  })
  const weightData = Uint8Array.from(data.flatMap((bytes) => [...bytes])).buffer
  return {
    modelTopology: { node: [image, ...consts, ...nodes], versions: { producer: 500 } },
    weightSpecs,
    weightData,
  }
}

async function compare(artefacts: GraphModelArtefacts, size: number[], tolerance = 1e-5): Promise<void> {
  const net = await loadGraphModel(tf.io.fromMemory(artefacts as tf.io.ModelArtifacts))
  const x = tf.tensor(standardNormals(3 * size[0]! * size[1]!, { seed: 8 }), [1, ...size, 3])
  const planar = (tensor: tf.Tensor): tf.Tensor => tf.transpose(tensor, [0, 3, 1, 2])
  const input = { shape: [1, 3, ...size], data: planar(x).dataSync() as Float32Array }
  const expected = planar([net.execute(x)].flat()[0] as tf.Tensor)
  const [found] = Object.values(await runOnnx(exportGraphModel(artefacts), { [net.inputs[0]!.name]: input }))
  expect(found!.shape).toEqual(expected.shape)
  expect(relativeError(found!.data, expected.dataSync())).toBeLessThan(tolerance)
}

describe('exportGraphModel', () => {
  it('computes what TF.js does', async () => {
    const node = (name: string, op: string, input: string[], attr: object = float): NodeJson => ({
      name,
      op,
      input,
      attr,
    })
    const strided = { ...convolution, strides: list(1, 2, 2, 1), padding: { s: btoa('SAME') } }
    const window = {
      ksize: list(1, 2, 2, 1),
      strides: list(1, 2, 2, 1),
      padding: { s: btoa('VALID') },
      ...float,
    }
    const resize = { half_pixel_centers: { b: true }, align_corners: { b: false }, ...float }
    const fused = {
      fused_ops: { list: { s: [btoa('BiasAdd'), btoa('Relu6')] } },
      num_args: { i: '1' },
      epsilon: { f: 1e-4 },
    }
    const artefacts = graphModel(
      [
        node('fused', '_FusedConv2D', ['image', 'k0', 'b0'], { ...convolution, ...fused }),
        node('deep', 'DepthwiseConv2dNative', ['fused', 'k1'], strided),
        node('biased', 'BiasAdd', ['deep', 'b1']),
        node('leaky', 'LeakyRelu', ['biased'], { ...float, alpha: { f: 0.3 } }),
        node('global', 'Mean', ['leaky', 'axes'], { ...float, keep_dims: { b: true } }),
        node('gate', 'Sigmoid', ['global']),
        node('gated', 'Mul', ['leaky', 'gate']),
        node('pooled', 'MaxPool', ['gated'], window),
        node('large', 'ResizeBilinear', ['pooled', 'size'], resize),
        node('joined', 'ConcatV2', ['large', 'fused', 'axis'], { ...float, N: { i: '2' } }),
        node('padded', 'Pad', ['joined', 'pads']),
        node('last', 'Conv2D', ['padded', 'k2'], { ...convolution, padding: { s: btoa('VALID') } }),
        node('output', 'Softmax', ['last']),
      ],
      {
        ...{
          k0: { shape: [3, 3, 3, 4] },
          b0: { shape: [4] },
          k1: { shape: [3, 3, 4, 2] },
          b1: { shape: [8] },
        },
        ...{
          axes: { shape: [2], values: [1, 2] },
          size: { shape: [2], values: [8, 12] },
          axis: { shape: [], values: [3] },
        },
        ...{ pads: { shape: [4, 2], values: [0, 0, 1, 2, 0, 1, 0, 0] }, k2: { shape: [2, 3, 12, 3] } },
      },
    )
    await compare(artefacts, [8, 12])
  })

  it('names the operation that it cannot export, and refuses other models', () => {
    const turned = graphModel([{ name: 'turned', op: 'ReverseV2', input: ['image'] }], {})
    expect(() => exportGraphModel(turned)).toThrow(/ReverseV2 'turned': found operation ReverseV2/)
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
      await compare(artefacts, [256, 256], 1e-4)
      const segmenter = await OnnxSegmenter.load(
        await wrapOnnx(exportGraphModel(artefacts), { classes: 1, rank: 2 }),
      )
      expect(segmenter.metadata).toMatchObject({ channels: 3, fixedSize: true, minimumSize: [256, 256] })
      await segmenter.dispose()
    },
  )
})

// Test support: networks whose operators a device may lack.
import { type NetworkSpec, unet } from '@stochseg/backbones'
import { type HeadKind, ssnHead, standardNormals, voxelCount } from '@stochseg/core'
import { exportOnnx } from '../export-onnx'
import { encodeMetadata } from '../model-metadata'
import { encodeOnnxModel, type OnnxInitializer } from '../protobuf/onnx-model'
import { everyOperation, randomImages, randomWeights } from '../random-network'

/** A model and an image that it takes. */
export interface SmallNetwork {
  readonly model: Uint8Array
  readonly image: Float32Array
  readonly spatial: readonly number[]
}

/** By name. */
export function smallNetworks(): Record<string, SmallNetwork> {
  const transposed = unet({ dimensions: 3, inputChannels: 1, widths: [3, 4], upsampling: 'transposed' })
  return {
    'every operation in 2D': small(everyOperation(2), [8, 12]),
    'every operation in 3D': small(everyOperation(3), [6, 9, 7]),
    'a deterministic U-Net in 3D': small(transposed, [4, 6, 8], 'deterministic'),
    'grouped convolutions in 3D': grouped(),
  }
}

function small(spec: NetworkSpec, spatial: readonly number[], kind: HeadKind = 'low-rank'): SmallNetwork {
  const head = ssnHead({ kind, classes: 2, rank: 3, epsilon: 1e-3 })
  const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 5) })
  return { model, image: randomImages(1, spec.inputs[0]!.channels, spatial), spatial }
}

/** A grouped convolution without a name, then a transposed one whose windows overlap. */
function grouped(): SmallNetwork {
  const sizes = { minimumSize: [3, 3, 3], multipleOf: [1, 1, 1], receptiveField: [3, 3, 3] }
  const weight = (name: string, shape: number[]): OnnxInitializer => ({
    name,
    shape,
    data: standardNormals(voxelCount(shape), { seed: 1 }),
  })
  const model = encodeOnnxModel({
    name: 'grouped',
    operatorSet: 17,
    nodes: [
      {
        name: '',
        operation: 'Conv',
        inputs: ['image', 'grouped.weight'],
        outputs: ['grouped'],
        attributes: { group: { int: 2 }, pads: { ints: [1, 1, 1, 1, 1, 1] } },
      },
      {
        name: 'overlapping',
        operation: 'ConvTranspose',
        inputs: ['grouped', 'overlapping.weight'],
        outputs: ['mean'],
        attributes: { kernel_shape: { ints: [3, 3, 3] }, strides: { ints: [2, 2, 2] } },
      },
    ],
    initializers: [weight('grouped.weight', [4, 1, 3, 3, 3]), weight('overlapping.weight', [4, 2, 3, 3, 3])],
    inputs: [{ name: 'image', shape: ['batch', 2, 'depth', 'height', 'width'] }],
    outputs: [{ name: 'mean', shape: ['batch', 2, 'd', 'h', 'w'] }],
    metadata: encodeMetadata({
      ...sizes,
      head: ssnHead({ kind: 'deterministic', classes: 2 }),
      backbone: 'grouped',
      channels: 2,
      dimensions: 3,
      properties: {},
    }),
  })
  return { model, image: randomImages(1, 2, [3, 4, 5]), spatial: [3, 4, 5] }
}

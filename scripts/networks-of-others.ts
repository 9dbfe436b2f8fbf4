// Networks as people write and convert them for TF.js layers, small: for tests of what takes a network of somebody else's.
//
// Weights are set from a seed, so that a test repeats.
import { type LayersModel, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers'
import {
  chain,
  conv,
  functional,
  images,
  mobilenet,
  normalise,
  on,
  pointwise,
  pyramid,
  relu,
  withWeights,
} from './network-parts'

/** A network, and images that it takes. */
export interface NetworkOfOthers {
  readonly build: () => LayersModel
  readonly size: readonly number[]
  /** A second size that it takes; none where it was built for one. */
  readonly otherSize?: readonly number[]
  readonly channels: number
  readonly classes: number
  /** Whether TF.js refuses to run it. */
  readonly refused?: true
}

const networks: Readonly<Record<string, NetworkOfOthers>> = {
  'DeepLab v3 on MobileNetV2': {
    build: () =>
      functional(images(32, 32, 3), (x) =>
        chain(
          x,
          ...mobilenet,
          pyramid([8, 8]),
          pointwise(3),
          layers.upSampling2d({ size: [4, 4], interpolation: 'bilinear' }),
          layers.softmax({ axis: -1 }),
        ),
      ),
    size: [32, 32],
    channels: 3,
    classes: 3,
  },
  'DeepLab v3+ with separable convolutions in its decoder': {
    build: () =>
      functional(images(32, 32, 3), (x) => {
        const [stem, ...rest] = mobilenet
        const low = stem!(x)
        const high = chain(
          low,
          ...rest,
          pyramid([8, 8]),
          layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
        )
        const joined = on(layers.concatenate(), high, chain(low, pointwise(4), normalise(), relu()))
        return chain(
          joined,
          layers.separableConv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' } as never),
          pointwise(3),
          layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
          layers.activation({ activation: 'softmax' }),
        )
      }),
    size: [32, 32],
    channels: 3,
    classes: 3,
  },
  'LR-ASPP, any size': {
    build: () =>
      functional(images(null, null, 3), (x) => {
        const features = chain(x, ...mobilenet)
        const gate = chain(
          features,
          layers.globalAveragePooling2d({} as never),
          layers.reshape({ targetShape: [1, 1, 8] }),
          pointwise(8, { activation: 'sigmoid' }),
        )
        return chain(
          on(layers.multiply(), chain(features, pointwise(8), normalise(), relu()), gate),
          pointwise(2),
          layers.upSampling2d({ size: [4, 4], interpolation: 'bilinear' }),
          layers.softmax({ axis: -1 }),
        )
      }),
    size: [24, 32],
    otherSize: [32, 16],
    channels: 3,
    classes: 2,
  },
  "Keras' U-Net of the pets, residual and separable": {
    build: () =>
      functional(images(null, null, 3), (x) => {
        let y = chain(x, conv(4, 3, { strides: 2 }), normalise(), relu())
        for (const filters of [6, 8]) {
          const separable = (): layers.Layer =>
            layers.separableConv2d({ filters, kernelSize: 3, padding: 'same' } as never)
          const main = chain(
            y,
            ...[relu(), separable(), normalise(), relu(), separable(), normalise()],
            layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
          )
          y = on(layers.add(), main, on(pointwise(filters, { strides: 2 }), y))
        }
        for (const filters of [8, 6, 4]) {
          const transposed = (): layers.Layer =>
            layers.conv2dTranspose({ filters, kernelSize: 3, padding: 'same' })
          const up = (): layers.Layer => layers.upSampling2d({})
          const main = chain(y, relu(), transposed(), normalise(), relu(), transposed(), normalise(), up())
          y = on(layers.add(), main, chain(y, up(), pointwise(filters)))
        }
        return on(conv(3, 3, { activation: 'softmax' }), y)
      }),
    size: [16, 24],
    otherSize: [8, 8],
    channels: 3,
    classes: 3,
  },
  'U-Net of transposed convolutions, one sigmoid': {
    build: () =>
      functional(images(null, null, 1), (x) => {
        const fine = chain(x, conv(4, 3, { activation: 'relu' }), layers.dropout({ rate: 0.2, seed: 3 }))
        const coarse = chain(fine, layers.maxPooling2d({ poolSize: 2 }), conv(6, 3, { activation: 'elu' }))
        const up = on(
          layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 2, padding: 'same' }),
          coarse,
        )
        return chain(
          on(layers.concatenate(), up, fine),
          conv(4, 3, { activation: 'relu' }),
          pointwise(1, { activation: 'sigmoid' }),
        )
      }),
    size: [12, 8],
    otherSize: [8, 16],
    channels: 1,
    classes: 1,
  },
  'attention U-Net': {
    build: () =>
      functional(images(null, null, 1), (x) => {
        const fine = on(conv(6, 3, { activation: 'relu' }), x)
        const coarse = chain(fine, layers.maxPooling2d({ poolSize: 2 }), conv(8, 3, { activation: 'relu' }))
        const joined = on(layers.add(), on(conv(4, 2, { strides: 2 }), fine), on(pointwise(4), coarse))
        const gate = chain(joined, relu(), pointwise(1, { activation: 'sigmoid' }), layers.upSampling2d({}))
        const skip = chain(on(layers.multiply(), fine, gate), pointwise(6), normalise({ scale: false }))
        const up = chain(coarse, layers.upSampling2d({}), conv(6, 2))
        return chain(
          on(layers.concatenate(), up, skip),
          conv(6),
          layers.leakyReLU({ alpha: 0.1 }),
          conv(2, 1),
          layers.softmax({ axis: -1 }),
        )
      }),
    size: [8, 12],
    otherSize: [16, 8],
    channels: 1,
    classes: 2,
  },
  'squeeze and excitation, layer normalisation': {
    build: () =>
      functional(images(null, null, 2), (x) => {
        const features = chain(
          x,
          layers.rescaling({ scale: 0.5, offset: 0.1 } as never),
          conv(8),
          layers.layerNormalization(),
          layers.prelu({ sharedAxes: [1, 2] }),
        )
        const gate = chain(
          features,
          layers.globalAveragePooling2d({} as never),
          layers.dense({ units: 4, activation: 'relu' }),
          layers.dense({ units: 8, activation: 'hardSigmoid' }),
          layers.reshape({ targetShape: [1, 1, 8] }),
        )
        return chain(
          on(layers.multiply(), features, gate),
          layers.activation({ activation: 'swish' } as never),
          layers.dense({ units: 3 }),
          layers.activation({ activation: 'softmax' }),
        )
      }),
    size: [7, 9],
    otherSize: [5, 6],
    channels: 2,
    classes: 3,
  },
  'a trained encoder inside, with skips': {
    build: () => {
      const inner = images(null, null, 3)
      const [stem, ...rest] = mobilenet
      const fine = stem!(inner)
      const encoder = model({ inputs: inner, outputs: [fine, chain(fine, ...rest)], name: 'encoder' })
      const x = images(null, null, 3)
      const [low, high] = encoder.apply(x) as SymbolicTensor[]
      const joined = on(layers.concatenate(), low!, on(layers.upSampling2d({}), high!))
      return model({
        inputs: x,
        outputs: chain(
          joined,
          conv(6, 3, { activation: 'relu' }),
          layers.conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2, padding: 'same' }),
          layers.softmax({ axis: -1 }),
        ),
      })
    },
    size: [16, 24],
    otherSize: [8, 8],
    channels: 3,
    classes: 3,
  },
  'a whole network inside, behind a rescaling': {
    build: () => {
      const inner = functional(
        images(null, null, 3),
        (x) => chain(x, conv(4, 3, { activation: 'relu' }), pointwise(3), layers.softmax({ axis: -1 })),
        'segmenter',
      )
      return functional(images(null, null, 3), (x) =>
        chain(x, layers.rescaling({ scale: 2, offset: -0.5 } as never), inner),
      )
    },
    size: [6, 8],
    otherSize: [5, 7],
    channels: 3,
    classes: 3,
  },
  'a chain of a chain': {
    build: () => {
      const encoder = sequential({
        name: 'encoder',
        layers: [
          layers.zeroPadding2d({
            padding: [
              [1, 1],
              [1, 1],
            ],
            inputShape: [null, null, 1],
          } as never),
          layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'valid' }),
          layers.reLU({ maxValue: 6 }),
        ],
      })
      const decoder = sequential({
        name: 'decoder',
        layers: [
          layers.upSampling2d({ inputShape: [null, null, 4] } as never),
          layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same' }),
        ],
      })
      return sequential({ layers: [encoder, decoder, layers.activation({ activation: 'softmax' })] as never })
    },
    size: [8, 10],
    otherSize: [6, 6],
    channels: 1,
    classes: 2,
  },
  'a layer that is used twice': {
    build: () =>
      functional(images(null, null, 1), (x) => {
        const shared = conv(4, 3, { activation: 'tanh' })
        const first = on(conv(4), x)
        const joined = on(
          layers.average(),
          on(shared, first),
          on(shared, on(layers.maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' }), first)),
        )
        return on(pointwise(2, { activation: 'softmax' }), joined)
      }),
    size: [6, 6],
    otherSize: [5, 8],
    channels: 1,
    classes: 2,
  },
  'a 3D U-Net with batch normalisation': {
    build: () =>
      functional(images(null, null, null, 1), (x) => {
        const convolve = (filters: number): layers.Layer =>
          layers.conv3d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' })
        const fine = on(convolve(4), x)
        const coarse = chain(fine, layers.maxPooling3d({ poolSize: 2 }), convolve(6), normalise())
        const up = on(
          layers.conv3dTranspose({ filters: 4, kernelSize: 2, strides: 2, padding: 'same' }),
          coarse,
        )
        return chain(
          on(layers.concatenate(), up, fine),
          convolve(4),
          layers.conv3d({ filters: 3, kernelSize: 1, activation: 'softmax' }),
        )
      }),
    size: [4, 6, 4],
    otherSize: [6, 4, 8],
    channels: 1,
    classes: 3,
    refused: true,
  },
  'a 3D U-Net': {
    build: () =>
      functional(images(null, null, null, 2), (x) => {
        const convolve = (filters: number, more: object = {}): layers.Layer =>
          layers.conv3d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...more })
        const fine = chain(x, convolve(4, { dilationRate: 2 }), layers.dropout({ rate: 0.1, seed: 2 }))
        const coarse = chain(fine, layers.averagePooling3d({ poolSize: [1, 2, 2] }), convolve(6))
        const transposed = { filters: 4, kernelSize: [1, 2, 2], strides: [1, 2, 2], padding: 'same' }
        const up = on(layers.conv3dTranspose(transposed as never), coarse)
        return chain(
          on(layers.add(), up, fine),
          layers.conv3d({ filters: 2, kernelSize: 3, padding: 'same' }),
        )
      }),
    size: [3, 4, 6],
    otherSize: [4, 6, 4],
    channels: 2,
    classes: 2,
  },
}

/** The networks by what they are. */
export const NETWORKS_OF_OTHERS: Readonly<Record<string, NetworkOfOthers>> = Object.fromEntries(
  Object.entries(networks).map(([name, network]) => [
    name,
    { ...network, build: () => withWeights(network.build()) },
  ]),
)

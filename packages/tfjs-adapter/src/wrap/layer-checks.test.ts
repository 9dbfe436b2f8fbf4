import { input, type layers as Layers, layers } from '@tensorflow/tfjs-layers'
import { beforeAll, expect, it } from 'vitest'
import { installWasmTrainingKernels } from '../index'
import { layerChecks } from './layer-checks'

beforeAll(() => installWasmTrainingKernels())

/** Shapes of the variables that are checked, layer by layer. */
function shapesOf(...all: Layers.Layer[]): (readonly number[])[][] {
  return [...layerChecks(all)].map(({ prepare }) => {
    const { variables, dispose } = prepare()
    dispose()
    return variables.map(({ shape }) => shape)
  })
}

it('checks a layer once, and again where it broadcasts', () => {
  const [image, gate] = [input({ shape: [64, 64, 32] }), input({ shape: [1, 1, 32] })]
  const products = [0, 1, 2].map(() => layers.multiply())
  products[0]!.apply([image, image])
  products[1]!.apply([image, image])
  products[2]!.apply([image, gate])
  expect(shapesOf(...products)).toEqual([
    [
      [2, 4, 4, 6],
      [2, 4, 4, 6],
    ],
    [
      [2, 4, 4, 6],
      [2, 1, 1, 6],
    ],
  ])
})

it('gives each layer an image that it takes', () => {
  const image = input({ shape: [64, 64, 8] })
  const list = [
    layers.averagePooling2d({ poolSize: 16, strides: 8 }),
    layers.cropping2D({
      cropping: [
        [5, 6],
        [0, 1],
      ] as never,
    }),
    layers.reshape({ targetShape: [4096, 8] }),
    layers.prelu({}),
    layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: 8, useBias: false, activation: 'relu' }),
  ]
  for (const layer of list) layer.apply(image)
  expect(shapesOf(...list)).toEqual([
    [[2, 24, 24, 6]],
    [[2, 15, 5, 6]],
    [[2, 64, 64, 8]],
    [
      [2, 64, 64, 8],
      [64, 64, 8],
    ],
    // Dilated twice at most.
    [
      [2, 6, 6, 8],
      [3, 3, 8, 4],
    ],
  ])
})

// Which layers of a wrapped network are its head.
import { headOutputs } from '@stochseg/backbones'
import { ModelError, type SsnHead } from '@stochseg/core'
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers'
import { layerOf, tensorsBehind } from './open-nested'

const HEAD = /^head\.(mean|logDiagonal|factor)(\.upsampled)?$/

/** Whether a layer belongs to a head. */
export function isHead({ name }: layers.Layer): boolean {
  return HEAD.test(name)
}

/**
 * Whether a model has this head already: several outputs, each from a layer of a head.
 *
 * Throws {@link ModelError} for a model with another head.
 */
export function wrappedBefore(model: LayersModel, head: SsnHead): boolean {
  const { outputs } = model
  if (outputs.length < 2 || !outputs.every((output) => headLayer(output))) return false
  const describe = (list: readonly { readonly name: string; readonly channels: number }[]): string =>
    list.map(({ name, channels }) => `${name} (${channels} channels)`).join(', ')
  const found = outputs.map((output) => {
    return { name: headLayer(output)!.name.replace('head.', ''), channels: output.shape.at(-1)! }
  })
  const expected = headOutputs(head)
  if (describe(found) === describe(expected)) return true
  throw new ModelError(`network '${model.name}'`, {
    found: `a head that gives ${describe(found)}`,
    expected: describe(expected),
    remedy:
      'Ask for the head, classes and rank that it was wrapped with, or wrap the network that it was made from',
  })
}

/** The convolution of a head that gives an output, with nothing behind it but what changes its size. */
function headLayer(output: SymbolicTensor): layers.Layer | undefined {
  const behind = tensorsBehind([output], (layer) => isHead(layer) && layer.weights.length > 0)
  const found = behind.map(layerOf).filter((layer) => isHead(layer) && layer.weights.length > 0)
  return found.length === 1 && behind.every(({ inputs }) => inputs.length === 1) ? found[0] : undefined
}

// Which gradients of a user's network are checked before it is trained: each kind of layer once, with its own weights.
import * as tf from '@tensorflow/tfjs-core'
import { input, type layers } from '@tensorflow/tfjs-layers'
import { type Check, normalVariable, spacedVariable } from '../gradient-self-test'
import { layerLike } from './layer-like'
import { makeDilationTrainable } from './trainable-dilation'

/** Layers whose output is random in training. */
const RANDOM = /Dropout|Noise/
/** Layers with weights, but without kinks. */
const SMOOTH = new Set(['BatchNormalization', 'LayerNormalization'])

/** A check for each layer that computes something new. The layers' weights are put back afterwards. */
export function* layerChecks(
  all: readonly layers.Layer[],
): Generator<{ readonly operation: string; readonly prepare: () => Check }> {
  const seen = new Set<string>()
  for (const layer of all) {
    const kind = layer.getClassName()
    if (kind === 'InputLayer' || RANDOM.test(kind)) continue
    const settings = { ...layer.getConfig(), name: '', filters: 0 }
    const identity = JSON.stringify([kind, settings])
    if (seen.has(identity)) continue
    seen.add(identity)
    yield { operation: `${kind} ('${layer.name}')`, prepare: () => layerCheck(layer) }
  }
}

function layerCheck(given: layers.Layer): Check {
  const before = given.getWeights().map((weight) => weight.clone())
  const layer = withoutActivation(given)
  const images = [given.input].flat().map(({ shape }, index) => {
    const small = smallShape(layer, shape)
    // Where nothing bends, numbers of an ordinary size; the spaced ones grow with their number.
    return layer === given && !SMOOTH.has(given.getClassName())
      ? spacedVariable(small)
      : normalVariable(small, index)
  })
  return {
    variables: [...images, ...layer.trainableWeights.map((weight) => weight.read() as tf.Variable)],
    compute: () => layer.apply(images.length === 1 ? images[0]! : images, { training: true }) as tf.Tensor,
    dispose: () => {
      if (layer === given) given.setWeights(before)
      else layer.dispose()
      tf.dispose([images, before])
    },
  }
}

/**
 * A copy of a convolution or dense layer that ends before its activation, whose kinks would blur the differences, with a
 * dilation of 2 at most, so that a small image will do; any other layer as it is.
 */
function withoutActivation(layer: layers.Layer): layers.Layer {
  const config = layer.getConfig()
  if (layer.weights.length === 0 || !('activation' in config)) return layer
  const dilationRate = [config.dilationRate ?? 1].flat().map((step) => Math.min(Number(step), 2))
  const copy = layerLike(layer, { dilationRate, activation: 'linear', name: `${layer.name}.check` })
  const inputs = [layer.input].flat().map(({ shape }) => input({ batchShape: shape }))
  copy.apply(inputs.length === 1 ? inputs[0]! : inputs)
  copy.setWeights(layer.getWeights())
  makeDilationTrainable(copy)
  return copy
}

/** Two images as small as the layer takes in comfort. */
function smallShape(layer: layers.Layer, shape: readonly (number | null)[]): number[] {
  const config = layer.getConfig()
  const along = (value: unknown, axis: number): number => {
    const values = [value ?? 1].flat() as number[]
    return values[axis] ?? values[0]!
  }
  const spatial = shape.slice(1, -1).map((_, axis) => {
    const window = along(config.kernelSize ?? config.poolSize, axis)
    const reach = (window - 1) * along(config.dilationRate, axis) + 1
    return Math.max(4, reach + 1, 2 * along(config.strides, axis) * along(config.poolSize, axis))
  })
  const channels = shape.at(-1)!
  return [2, ...spatial, layer.weights.length > 0 ? channels : Math.min(channels, 6)]
}

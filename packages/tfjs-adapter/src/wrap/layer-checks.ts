// Which gradients of a user's network are checked before it is trained: each kind of layer once, with its own weights.
import * as tf from '@tensorflow/tfjs-core'
import { input, type layers, type Shape } from '@tensorflow/tfjs-layers'
import { type Check, normalVariable, spacedVariable } from '../gradient-self-test'
import { layerLike } from './layer-like'
import { makeDilationTrainable } from './trainable-dilation'

/** Layers whose output is random in training. */
const RANDOM = /Dropout|Noise/
/** Layers without kinks. */
const SMOOTH =
  /(Normalization|AveragePooling.D|UpSampling.D|Padding.D|Cropping.D|Reshape|Permute|Flatten|Add|Average|Subtract|Multiply|Concatenate|Rescaling)$/

/** A check for each layer that computes something new. The layers' weights are put back afterwards. */
export function* layerChecks(
  all: readonly layers.Layer[],
): Generator<{ readonly operation: string; readonly prepare: () => Check }> {
  const seen = new Set<string>()
  for (const layer of all) {
    const kind = layer.getClassName()
    if (kind === 'InputLayer' || RANDOM.test(kind)) continue
    const settings = { ...layer.getConfig(), name: '', filters: 0 }
    const singular = inputShapes(layer).map((shape) => shape.map((size) => size === 1))
    const identity = JSON.stringify([kind, settings, singular])
    if (seen.has(identity)) continue
    seen.add(identity)
    yield { operation: `${kind} ('${layer.name}')`, prepare: () => layerCheck(layer) }
  }
}

function layerCheck(given: layers.Layer): Check {
  const before = given.getWeights().map((weight) => weight.clone())
  const layer = withoutActivation(given)
  const shapes = inputShapes(given)
  // Two values normalised by their own statistics hardly depend on what they are.
  const batch = shapes.every((shape) => shape.slice(1, -1).every((size) => size === 1)) ? 8 : 2
  const images = shapes.map((shape, index) => {
    const small = [batch, ...smallShape(layer, shape)]
    // Where nothing bends, numbers of an ordinary size; the spaced ones grow with their number.
    return layer === given && !SMOOTH.test(given.getClassName())
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

/** What a layer read when it was first applied; it may have been applied several times. */
function inputShapes(layer: layers.Layer): Shape[] {
  return layer.inboundNodes[0]!.inputTensors.map(({ shape }) => shape)
}

/**
 * A copy of a convolution or dense layer that ends before its activation, whose kinks would blur the differences, with a
 * dilation of 2 at most, so that a small image will do; any other layer as it is.
 */
function withoutActivation(layer: layers.Layer): layers.Layer {
  const config = layer.getConfig()
  if (layer.weights.length === 0 || !('activation' in config)) return layer
  const dilation = [config.dilationRate ?? []].flat().map((step) => Math.min(Number(step), 2))
  const changes = dilation.length === 0 ? {} : { dilationRate: dilation }
  const copy = layerLike(layer, { ...changes, activation: 'linear', name: `${layer.name}.check` })
  const inputs = inputShapes(layer).map((shape) => input({ batchShape: shape }))
  copy.apply(inputs.length === 1 ? inputs[0]! : inputs)
  copy.setWeights(layer.getWeights())
  makeDilationTrainable(copy)
  return copy
}

/** An image as small as the layer takes in comfort, without the batch. */
function smallShape(layer: layers.Layer, shape: Shape): number[] {
  const config = layer.getConfig()
  const along = (value: unknown, axis: number): number => {
    const values = [value ?? 1].flat() as number[]
    return values[axis] ?? values[0]!
  }
  const cropped = [config.cropping ?? []].flat() as (number | number[])[]
  const exact = needsItsSize(layer)
  const spatial = shape.slice(1, -1).map((size, axis) => {
    // What is broadcast stays so.
    if (size === 1 || (exact && size !== null)) return size
    const window = along(config.kernelSize ?? config.poolSize, axis)
    const reach = (window - 1) * along(config.dilationRate, axis) + 1
    const lost = [cropped[axis] ?? 0].flat().reduce((sum, length) => sum + length, 0)
    return Math.max(4, reach + along(config.strides, axis)) + lost
  })
  const channels = shape.at(-1)!
  return [...spatial, layer.weights.length > 0 || exact ? channels : Math.min(channels, 6)]
}

/** Whether a layer takes images of no other size: it has a weight for each voxel, or a target shape. */
function needsItsSize(layer: layers.Layer): boolean {
  const { targetShape, kernelSize, units } = layer.getConfig()
  if (targetShape !== undefined) return true
  const isKernel = kernelSize !== undefined || units !== undefined
  return !isKernel && layer.weights.some(({ shape }) => shape.slice(0, -1).some((size) => size !== 1))
}

// Where a network that somebody else made is cut to get a stochastic head: at its last convolution, or at a named layer.
import { ModelError } from '@stochseg/core'
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers'
import { layerOf, tensorsBehind } from './open-nested'

/** A cut network. */
export interface Cut {
  /** What the head reads, `[N, *S, features]`. */
  readonly features: SymbolicTensor
  /** The convolution that gave the logits; none when cut at a named layer. */
  readonly convolution?: layers.Layer
  /** Batch normalisation of the logits, right behind the convolution. */
  readonly normalisation?: layers.Layer
  /** Layers behind the convolution that change the size: what the head gives goes through them too, in this order. */
  readonly resizing: readonly layers.Layer[]
}

/** Layers that compute logits from features. */
const CONVOLUTIONS = new Set([
  'Conv2D',
  'Conv3D',
  'Conv2DTranspose',
  'Conv3DTranspose',
  'SeparableConv2D',
  'Dense',
])
/** Layers behind the logits that change their size. */
const RESIZING = new Set(['UpSampling2D', 'Cropping2D', 'ZeroPadding2D'])
/** Layers behind the logits that are left out: they make probabilities, or another shape, of them. */
const LEFT_OUT = new Set(['Activation', 'Softmax', 'Reshape', 'Permute', 'Dropout', 'InputLayer'])
/** Activations that turn logits into probabilities. */
const PROBABILITIES = new Set([
  'linear',
  'softmax',
  'logSoftmax',
  'log_softmax',
  'sigmoid',
  'hardSigmoid',
  'hard_sigmoid',
])

/** Where to cut. */
export interface CutOptions {
  /** The layer whose output is wrapped, where there are several outputs. */
  readonly output?: string
  /** The layer behind which to cut. */
  readonly features?: string
}

/**
 * Cuts a model with one input at its last convolution, or behind the layer called `features`.
 *
 * Throws {@link ModelError} for several inputs, for several outputs none of which is named, a layer that is not there, and an
 * output through which no last convolution is found; it names the layer that stands in the way.
 */
export function cutModel(model: LayersModel, { output, features }: CutOptions = {}): Cut {
  const end = outputNamed(model, output)
  const dimensions = model.inputs[0]!.rank
  if (features !== undefined) return { features: featuresOf(model, features, dimensions), resizing: [] }

  const resizing: layers.Layer[] = []
  let tensor = end
  for (;;) {
    const layer = layerOf(tensor)
    const kind = layer.getClassName()
    const [input, ...others] = tensor.inputs
    const onImages = input?.rank === dimensions
    if (CONVOLUTIONS.has(kind) && input && onImages) {
      checkActivation(model, layer)
      return { features: input, convolution: layer, resizing }
    }
    if (input && normalisesChannels(layer, tensor) && isLinearConvolution(layerOf(input))) {
      const convolution = layerOf(input)
      return { features: input.inputs[0]!, convolution, normalisation: layer, resizing }
    }
    if (!input || others.length > 0 || !(RESIZING.has(kind) || LEFT_OUT.has(kind))) {
      const reads = CONVOLUTIONS.has(kind) && input ? ` that reads [${shapeOf(input)}], no image,` : ''
      throw noConvolution(model, `the ${kind} layer '${layer.name}'${reads}`)
    }
    if (kind === 'Activation') checkActivation(model, layer)
    if (RESIZING.has(kind)) resizing.unshift(layer)
    tensor = input
  }
}

function outputNamed(model: LayersModel, name: string | undefined): SymbolicTensor {
  const [input, ...others] = model.inputs
  if (!input || others.length > 0) {
    throw new ModelError(`network '${model.name}'`, {
      found: `${model.inputs.length} inputs`,
      expected: 'one image',
      remedy: 'Put further channels into the image, or wrap a function of it by wrapFunction',
    })
  }
  const named = model.outputs.filter((tensor) => layerOf(tensor).name === name)
  const [output, ...more] = name === undefined ? model.outputs : named
  if (output && more.length === 0) return output
  const names = model.outputs.map((tensor) => `'${layerOf(tensor).name}'`).join(', ')
  throw new ModelError(`network '${model.name}'`, {
    found: name === undefined ? `outputs of the layers ${names}` : `no output of a layer '${name}'`,
    expected: name === undefined ? 'one' : `one of ${names}`,
    remedy: "Name the layer that gives the final prediction by the option 'output'",
  })
}

function featuresOf(model: LayersModel, name: string, rank: number): SymbolicTensor {
  const tensors = tensorsBehind(model.outputs)
  const found = tensors.filter((tensor) => layerOf(tensor).name === name)
  const [features] = found
  if (found.length === 1 && features!.rank === rank) return features!
  const names = [...new Set(tensors.filter((tensor) => tensor.rank === rank).map((x) => layerOf(x).name))]
  throw new ModelError(`network '${model.name}'`, {
    found:
      found.length === 1
        ? `a layer '${name}' that gives [${shapeOf(features!)}], no image`
        : `${found.length === 0 ? 'no layer' : `${found.length} outputs of the layer`} '${name}'`,
    expected: `one of ${names.join(', ')}`,
    remedy: 'Name the layer whose output the head shall read',
  })
}

function normalisesChannels(layer: layers.Layer, { rank }: SymbolicTensor): boolean {
  const isNormalisation = layer.getClassName().endsWith('BatchNormalization')
  return isNormalisation && [-1, rank - 1].includes(Number(layer.getConfig().axis))
}

/** Whether a layer is a convolution, with nothing behind it: batch normalisation can be folded into it. */
function isLinearConvolution(layer: layers.Layer): boolean {
  return CONVOLUTIONS.has(layer.getClassName()) && activationOf(layer) === 'linear'
}

function activationOf(layer: layers.Layer): string {
  return String(layer.getConfig().activation ?? 'linear')
}

function checkActivation(model: LayersModel, layer: layers.Layer): void {
  const activation = activationOf(layer)
  if (PROBABILITIES.has(activation)) return
  throw noConvolution(
    model,
    `the activation '${activation}' of the ${layer.getClassName()} layer '${layer.name}'`,
  )
}

function shapeOf({ shape }: SymbolicTensor): string {
  return shape.map((size) => size ?? 'any').join(', ')
}

function noConvolution(model: LayersModel, between: string): ModelError {
  return new ModelError(`network '${model.name}'`, {
    found: `${between} at its end`,
    expected: 'a convolution that gives logits, followed by nothing but softmax, sigmoid or resizing',
    remedy: "Name the layer to read by the option 'features'",
  })
}

// Where a network that somebody else made is cut to get a stochastic head: at its last convolution, or at a named layer.
import { ModelError } from '@stochseg/core'
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers'

/** A cut network. */
export interface Cut {
  /** What the head reads, `[N, *S, features]`. */
  readonly features: SymbolicTensor
  /** The convolution that gave the logits; none when cut at a named layer. */
  readonly convolution?: layers.Layer
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
const RESIZING = new Set(['UpSampling2D', 'Cropping2D', 'ZeroPadding2D', 'Resizing', 'CenterCrop'])
/** Layers behind the logits that are left out: they make probabilities, or another shape, of them. */
const LEFT_OUT = new Set(['Activation', 'Softmax', 'Reshape', 'Permute', 'Dropout', 'InputLayer'])
/** Activations that turn logits into probabilities. */
const PROBABILITIES = new Set(['linear', 'softmax', 'sigmoid', 'hardSigmoid', 'hard_sigmoid'])

/**
 * Cuts a model with one input and one output at its last convolution, or behind the layer called `features`.
 *
 * Throws {@link ModelError} for several inputs or outputs, a layer that is not there, and an output through which no last
 * convolution is found; it names the layer that stands in the way.
 */
export function cutModel(model: LayersModel, features?: string): Cut {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new ModelError(`network '${model.name}'`, {
      found: `${model.inputs.length} inputs and ${model.outputs.length} outputs`,
      expected: 'one of each',
      remedy:
        'Make a model of the one input and output that are wanted, tf.model({ inputs, outputs }), and wrap that',
    })
  }
  if (features !== undefined) return { features: outputOf(model, features), resizing: [] }

  const resizing: layers.Layer[] = []
  let tensor = model.outputs[0]!
  for (;;) {
    const layer = tensor.sourceLayer as layers.Layer
    const kind = layer.getClassName()
    const [input, ...others] = tensor.inputs
    if (CONVOLUTIONS.has(kind) && input) {
      checkActivation(model, layer)
      return { features: input, convolution: layer, resizing }
    }
    if (!input || others.length > 0 || !(RESIZING.has(kind) || LEFT_OUT.has(kind))) {
      throw noConvolution(model, `the ${kind} layer '${layer.name}'`)
    }
    if (kind === 'Activation') checkActivation(model, layer)
    if (RESIZING.has(kind)) resizing.unshift(layer)
    tensor = input
  }
}

function outputOf(model: LayersModel, name: string): SymbolicTensor {
  const layer = model.layers.find((candidate) => candidate.name === name)
  if (layer && !Array.isArray(layer.output)) return layer.output
  throw new ModelError(`network '${model.name}'`, {
    found: layer ? `a layer '${name}' with several outputs` : `no layer '${name}'`,
    expected: `one of ${model.layers.map((candidate) => candidate.name).join(', ')}`,
    remedy: 'Name the layer whose output the head shall read',
  })
}

function checkActivation(model: LayersModel, layer: layers.Layer): void {
  const activation = String(layer.getConfig().activation ?? 'linear')
  if (PROBABILITIES.has(activation)) return
  throw noConvolution(
    model,
    `the activation '${activation}' of the ${layer.getClassName()} layer '${layer.name}'`,
  )
}

function noConvolution(model: LayersModel, between: string): ModelError {
  return new ModelError(`network '${model.name}'`, {
    found: `${between} at its end`,
    expected: 'a convolution that gives logits, followed by nothing but softmax, sigmoid or resizing',
    remedy: "Name the layer to read by the option 'features'",
  })
}

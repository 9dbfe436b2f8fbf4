// A stochastic head on a network that a user already has: any functional or sequential tf.LayersModel, 2D or 3D.
import { type HeadKind, ModelError, ShapeError, type SsnHead, StochsegError, ssnHead } from '@stochseg/core'
import {
  type LayersModel,
  type layers,
  model as layersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers'
import type { DropoutSource } from '../dropout-source'
import { checkGradient, lossCheck } from '../gradient-self-test'
import { OperationLayer } from '../layers/operation-layer'
import { isDilatedDepthwise, repairLayer } from '../layers/repaired-layers'
import { registerMissingGradients } from '../operations/missing-gradients'
import { headOutputs, type TrainableNetwork } from '../trainable-network'
import { cutModel } from './cut'
import { headLayers } from './head-layers'
import { isHead, wrappedBefore } from './head-outputs'
import { layerChecks } from './layer-checks'
import { layerParameters } from './layer-parameters'
import { layerOf, openNested, tensorsBehind, trainedLayers } from './open-nested'
import { makeDilationTrainable } from './trainable-dilation'

/** The head that is put on, and how it starts. */
export interface WrapOptions {
  /** Label values, background included; 1 for a single sigmoid logit. */
  readonly classes: number
  /** Columns of the factor; 10 unless given. */
  readonly rank?: number
  /** `low-rank` unless given. */
  readonly head?: HeadKind
  /** Train the head alone. The network then runs in inference mode. */
  readonly frozen?: boolean
  /** The layer that gives the prediction to wrap; needed where the model has several outputs. */
  readonly output?: string
  /** The layer whose output the head reads; found, behind the last convolution, unless given. */
  readonly features?: string
  /** Whether the old last convolution becomes the mean; true unless given. Cut at a named layer, the mean starts anew. */
  readonly keepMean?: boolean
  /**
   * Whether DepthwiseConv2D layers with a dilation are dilated, as in Keras, or not, as TF.js, which ignores it, predicts with
   * them. To be said where there are such layers.
   */
  readonly depthwiseDilation?: boolean
  /** Bias of the log-diagonal; −8 unless given, so that the samples start close to the old prediction. */
  readonly logDiagonalBias?: number
  /** Multiplies the factor's first weights; 0.3 unless given. */
  readonly factorScale?: number
  /** Of the new weights; 0 unless given. */
  readonly seed?: number
}

/** A network with a stochastic head: to train, and a layers model like any other. */
export interface WrappedModel extends TrainableNetwork {
  /** Gives mean `[N, *S, C]` and, by the head's kind, log-diagonal `[N, *S, C]` and factor `[N, *S, C·R]` (channel c·R + r). */
  readonly model: LayersModel
}

/**
 * Puts a stochastic head on a network: cut at its last convolution or a named layer, the old logits as its mean. A network that
 * has this head already, a wrapped one that was loaded again, keeps it.
 *
 * Softmax and sigmoid behind the logits are left out, resizing is kept; features that are k times smaller than the image are
 * up-sampled linearly. Layers are shared with `given`, whose weights move with the training unless it is frozen; models inside
 * it are opened. Throws {@link ModelError} for a network that cannot be cut and for another number of classes, `ValueError` for
 * the head.
 */
export function wrapModel(given: LayersModel, options: WrapOptions): WrappedModel {
  const { classes, rank, head: kind = 'low-rank', frozen = false } = options
  const head = ssnHead({ kind, classes, ...(rank === undefined ? {} : { rank }) })
  const network = openNested(given)
  const input = network.inputs[0]!
  checkLayout(network, input.shape)
  const model = wrappedBefore(network, head) ? network : withHead(network, head, options)
  repair(model, options)
  // What the user's model does not train, a frozen model inside it for instance, does not train here either.
  const trained = trainedLayers(given)
  for (const layer of model.layers) keepStatistics(layer, !isHead(layer) && !trained.has(layer))
  const dropout: DropoutSource = { seed: 0, stream: 0 }
  for (const layer of model.layers) if (layer instanceof OperationLayer) layer.drawFrom(dropout)
  const behindHead = new Set(tensorsBehind(model.outputs, isHead).map(layerOf))
  return {
    model,
    head,
    channels: input.shape.at(-1)!,
    parameters: layerParameters(model, (layer) => isHead(layer) || (!frozen && trained.has(layer))),
    outputSize: (spatial) => outputSize(model, spatial),
    forward: (images, training) => {
      if (training) Object.assign(dropout, { seed: training.seed, stream: training.stream })
      try {
        return headOutputs(model.apply(images, { training: training !== undefined && !frozen }))
      } catch (cause) {
        // Layers that join tensors find out only now that these do not meet, and TF.js has no class for it.
        if (cause instanceof StochsegError || !/shape/i.test(String(cause))) throw cause
        throw sizeError(images.shape.slice(1, -1), cause)
      }
    },
    checkGradients: async (loss) => {
      const learning = model.layers.filter((layer) => !frozen || behindHead.has(layer))
      for (const { operation, prepare } of layerChecks(learning)) await checkGradient(operation, prepare)
      await checkGradient(`loss of the ${head.kind} head`, () => lossCheck(head, dimensionsOf(input), loss))
    },
    // The layers belong to the user's model as well.
    dispose: () => {},
  }
}

function withHead(network: LayersModel, head: SsnHead, options: WrapOptions): LayersModel {
  const inputs = network.inputs[0]!
  const outputs = headLayers(cutModel(network, options), head, {
    seed: options.seed ?? 0,
    logDiagonalBias: options.logDiagonalBias ?? -8,
    factorScale: options.factorScale ?? 0.3,
    keepMean: options.keepMean ?? true,
  })
  const shrunk = layersModel({ inputs, outputs })
  const factor = shrinkage(shrunk)
  if (factor.every((times) => times === 1)) return shrunk
  return layersModel({ inputs, outputs: outputs.map((output) => upsampled(output, factor)) })
}

/** Makes layers trainable that TF.js does not train, or computes wrongly. */
function repair(model: LayersModel, { depthwiseDilation }: WrapOptions): void {
  const ignored = model.layers.find(isDilatedDepthwise)
  if (ignored && depthwiseDilation === undefined) {
    throw new ModelError(`layer '${ignored.name}'`, {
      found: 'a depthwise convolution with a dilation, which TF.js 4.22 ignores',
      expected: 'to be told whether it is meant',
      remedy:
        'Give depthwiseDilation: true for a network of Keras, trained with it, or false for one trained in TF.js, without',
    })
  }
  registerMissingGradients()
  for (const layer of model.layers) {
    makeDilationTrainable(layer)
    repairLayer(layer, { depthwiseDilation: depthwiseDilation ?? false })
  }
}

/** Lets batch normalisation that does not learn run as in inference, as Keras does: TF.js moves its statistics all the same. */
function keepStatistics(layer: layers.Layer, keep: boolean): void {
  if (!/BatchNormali[sz]ation$/.test(layer.getClassName())) return
  Reflect.deleteProperty(layer, 'call')
  if (!keep) return
  const call = layer.call.bind(layer)
  layer.call = (inputs, kwargs) => call(inputs, { ...kwargs, training: false })
}

function checkLayout(model: LayersModel, shape: readonly (number | null)[]): void {
  const channelsFirst = model.layers.some((layer) => layer.getConfig().dataFormat === 'channelsFirst')
  if ((shape.length === 4 || shape.length === 5) && shape.at(-1) !== null && !channelsFirst) return
  throw new ModelError(`network '${model.name}'`, {
    found: `images of shape [${shape.map((size) => size ?? 'any')}]${channelsFirst ? ', channels first' : ''}`,
    expected: '[N, *S, channels] in 2D or 3D, with a known number of channels last',
    remedy: 'TF.js computes channels last: convert the network',
  })
}

function dimensionsOf({ shape }: SymbolicTensor): 2 | 3 {
  return (shape.length - 2) as 2 | 3
}

/** How many times smaller the output is than the image, along each axis. */
function shrinkage(model: LayersModel): number[] {
  const sizes = model.inputs[0]!.shape.slice(1, -1).map((size) => size ?? LENGTH)
  const first = shapeAt(model, sizes)
  const factors = strides(model, sizes, first)
  factors.forEach((factor, axis) => {
    if (Number.isInteger(factor) && factor * first[axis]! <= sizes[axis]!) return
    throw new ModelError(`network '${model.name}'`, {
      found: `an output of ${first.join(' × ')} for an image of ${sizes.join(' × ')}`,
      expected: 'one that is a whole number of times smaller',
      remedy: "Cut it elsewhere, by the option 'features', or build it for another size",
    })
  })
  return factors
}

// Far from all borders an image longer by LENGTH, a multiple of all usual strides, gives an output longer by LENGTH / stride.
const LENGTH = 2 ** 7 * 3 ** 2 * 5 * 7

function strides(model: LayersModel, sizes: readonly number[], first: readonly number[]): number[] {
  try {
    const second = shapeAt(
      model,
      sizes.map((size) => size + LENGTH),
    )
    return sizes.map((_, axis) => Math.max(1, LENGTH / (second[axis]! - first[axis]!)))
  } catch {
    // Built for one size.
    return sizes.map((size, axis) => Math.max(1, Math.floor(size / first[axis]!)))
  }
}

function upsampled(output: SymbolicTensor, factor: readonly number[]): SymbolicTensor {
  const name = `${(output.sourceLayer as layers.Layer).name}.upsampled`
  const layer = new OperationLayer({ node: { op: 'upsample', kind: 'linear', name, inputs: [], factor } })
  return layer.apply(output) as SymbolicTensor
}

function outputSize(model: LayersModel, spatial: readonly number[]): number[] {
  const { shape } = model.inputs[0]!
  const fixed = shape.slice(1, -1)
  if (
    spatial.length !== fixed.length ||
    fixed.some((size, axis) => size !== null && size !== spatial[axis])
  ) {
    throw new ShapeError('image size', {
      found: spatial.join(' × '),
      expected: fixed.map((size) => size ?? 'any').join(' × '),
      remedy: 'The network was built for this size: set its batchInputShape to null where any size will do',
    })
  }
  const size = shapeAt(model, spatial)
  if (size.some((length, axis) => length > spatial[axis]!)) {
    throw sizeError(spatial, `the output would be ${size.join(' × ')}`)
  }
  return size
}

function shapeAt(model: LayersModel, spatial: readonly number[]): number[] {
  try {
    const shapes = model.computeOutputShape([1, ...spatial, model.inputs[0]!.shape.at(-1)!])
    const first = (Array.isArray(shapes[0]) ? shapes[0] : shapes) as number[]
    return first.slice(1, -1)
  } catch (cause) {
    throw sizeError(spatial, cause)
  }
}

function sizeError(spatial: readonly number[], cause: unknown): ShapeError {
  return new ShapeError('image size', {
    found: spatial.join(' × '),
    expected: 'a size at which all layers fit',
    remedy: 'Pad the image to a multiple of what the network shrinks it by',
    cause,
  })
}

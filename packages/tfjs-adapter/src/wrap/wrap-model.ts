// A stochastic head on a network that a user already has: any functional or sequential tf.LayersModel, 2D or 3D.
import { type HeadKind, ModelError, ShapeError, ssnHead } from '@stochseg/core'
import {
  type LayersModel,
  type layers,
  model as layersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers'
import { checkGradient, lossCheck } from '../gradient-self-test'
import { OperationLayer } from '../layers/operation-layer'
import { headOutputs, type TrainableNetwork } from '../trainable-network'
import { cutModel } from './cut'
import { headLayers } from './head-layers'
import { layerChecks } from './layer-checks'
import { layerParameters } from './layer-parameters'
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
  /** The layer whose output the head reads; found, behind the last convolution, unless given. */
  readonly features?: string
  /** Whether the old last convolution becomes the mean; true unless given. Cut at a named layer, the mean starts anew. */
  readonly keepMean?: boolean
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
 * Puts a stochastic head on a network: cut at its last convolution or a named layer, the old logits as its mean.
 *
 * Softmax and sigmoid behind the logits are left out, resizing is kept; features that are k times smaller than the image are
 * up-sampled linearly. Layers are shared with `given`, whose weights move with the training unless it is frozen. Throws
 * {@link ModelError} for a network that cannot be cut and for another number of classes, `ValueError` for the head.
 */
export function wrapModel(given: LayersModel, options: WrapOptions): WrappedModel {
  const { classes, rank, head: kind = 'low-rank', frozen = false, features } = options
  const head = ssnHead({ kind, classes, ...(rank === undefined ? {} : { rank }) })
  const input = given.inputs[0]!
  checkLayout(given, input.shape)
  const cut = cutModel(given, features)
  const outputs = headLayers(cut, head, {
    seed: options.seed ?? 0,
    logDiagonalBias: options.logDiagonalBias ?? -8,
    factorScale: options.factorScale ?? 0.3,
    keepMean: options.keepMean ?? true,
  })
  const shrunk = layersModel({ inputs: input, outputs })
  const factor = shrinkage(shrunk)
  const model = factor.every((times) => times === 1)
    ? shrunk
    : layersModel({ inputs: input, outputs: outputs.map((output) => upsampled(output, factor)) })
  for (const layer of model.layers) makeDilationTrainable(layer)
  const isTrained = (layer: layers.Layer): boolean => !frozen || isHead(layer)
  return {
    model,
    head,
    channels: input.shape.at(-1)!,
    parameters: layerParameters(model, isTrained),
    outputSize: (spatial) => outputSize(model, spatial),
    forward: (images, training) => {
      try {
        return headOutputs(model.apply(images, { training: training !== undefined && !frozen }))
      } catch (cause) {
        // Layers that join tensors find out only now that these do not meet.
        throw /shape/i.test(String(cause)) ? sizeError(images.shape.slice(1, -1), cause) : cause
      }
    },
    checkGradients: async (loss) => {
      const trained = model.layers.filter(isTrained)
      for (const { operation, prepare } of layerChecks(trained)) await checkGradient(operation, prepare)
      await checkGradient(`loss of the ${head.kind} head`, () => lossCheck(head, dimensionsOf(input), loss))
    },
    // The layers belong to the user's model as well.
    dispose: () => {},
  }
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
  const { shape } = model.inputs[0]!
  const fixed = shape.slice(1, -1)
  // Far from all borders an image longer by LENGTH gives an output longer by LENGTH / factor.
  const LENGTH = 1024
  const sizes = fixed.map((size) => size ?? LENGTH)
  const [first, second] = [sizes, fixed.map((size) => size ?? 2 * LENGTH)].map((size) =>
    outputSize(model, size),
  )
  return sizes.map((size, axis) => {
    const factor =
      fixed[axis] === null ? LENGTH / (second![axis]! - first![axis]!) : Math.floor(size / first![axis]!)
    if (Number.isInteger(factor)) return Math.max(factor, 1)
    throw new ModelError(`network '${model.name}'`, {
      found: `an output ${factor} times smaller than the image along axis ${axis}`,
      expected: 'a whole number of times',
      remedy: "Cut it elsewhere, by the option 'features'",
    })
  })
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
  try {
    const shapes = model.computeOutputShape([1, ...spatial, shape.at(-1)!])
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

function isHead({ name }: layers.Layer): boolean {
  return name.startsWith('head.')
}

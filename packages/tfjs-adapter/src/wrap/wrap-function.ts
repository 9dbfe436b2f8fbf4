// A stochastic head on anything that gives features: a graph model, a pipeline, a network of one's own.
import { ModelError, ShapeError, ssnHead } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { input, model as layersModel } from '@tensorflow/tfjs-layers'
import { type Check, checkGradient, lossCheck, normalVariable } from '../gradient-self-test'
import { canonicalShape, type ModelParameter } from '../model-weights'
import { linearUpsample } from '../operations/linear-upsample'
import { headOutputs, type TrainableNetwork } from '../trainable-network'
import { headLayers } from './head-layers'
import { layerChecks } from './layer-checks'
import { layerParameters } from './layer-parameters'
import type { WrapOptions } from './wrap-model'

/** What {@link wrapFunction} is told of a function. */
export interface WrapFunctionOptions
  extends Pick<WrapOptions, 'classes' | 'rank' | 'head' | 'logDiagonalBias' | 'factorScale' | 'seed'> {
  /** Channels of the images. */
  readonly channels: number
  /** Channels of the features. */
  readonly features: number
  readonly dimensions: 2 | 3
  /** Variables of the function that are trained too, by name; none unless given. */
  readonly variables?: Readonly<Record<string, tf.Variable>>
}

/**
 * Puts a stochastic head on a function from images `[N, *S, channels]` to features `[N, *S / k, features]`; where k > 1,
 * what the head gives is up-sampled linearly. In 2D, features may also have (S − 1) / k + 1 voxels along an axis, as those of
 * DeepLab: corners then lie on corners.
 *
 * Throws {@link ModelError} for features of another shape, `ValueError` for the head.
 */
export function wrapFunction(
  features: (images: tf.Tensor) => tf.Tensor,
  options: WrapFunctionOptions,
): TrainableNetwork {
  const { classes, rank, head: kind = 'low-rank', channels, dimensions, variables = {} } = options
  const head = ssnHead({ kind, classes, ...(rank === undefined ? {} : { rank }) })
  const read = input({ shape: [...Array<null>(dimensions).fill(null), options.features] })
  const cut = { features: read, resizing: [] }
  const outputs = headLayers(cut, head, {
    seed: options.seed ?? 0,
    logDiagonalBias: options.logDiagonalBias ?? -8,
    factorScale: options.factorScale ?? 0.3,
    keepMean: false,
  })
  const heads = layersModel({ inputs: read, outputs })
  const own = Object.entries(variables).map(([name, variable]): ModelParameter => {
    return { name, shape: canonicalShape(variable.shape), trainable: true, variable }
  })
  const forward = (images: tf.Tensor): tf.Tensor[] => {
    const given = features(images)
    const upsample = upsampling(images.shape.slice(1, -1), given.shape, options.features)
    return [heads.apply(given)].flat().map((output) => upsample(output as tf.Tensor))
  }
  const sizes = new Map<string, readonly number[]>()
  return {
    head,
    channels,
    parameters: [...own, ...layerParameters(heads)],
    outputSize: (spatial) => {
      if (spatial.length !== dimensions) {
        throw new ShapeError('image size', {
          found: spatial.join(' × '),
          expected: `${dimensions} axes`,
          remedy: 'Give images of as many dimensions as the function takes',
        })
      }
      const key = String(spatial)
      const size =
        sizes.get(key) ?? tf.tidy(() => forward(tf.zeros([1, ...spatial, channels]))[0]!.shape.slice(1, -1))
      sizes.set(key, size)
      return size
    },
    forward: (images) => headOutputs(forward(images)),
    checkGradients: async (loss) => {
      for (const { operation, prepare } of layerChecks(heads.layers)) await checkGradient(operation, prepare)
      await checkGradient('linear up-sampling', () => upsamplingCheck([4, 6, 4].slice(0, dimensions)))
      if (dimensions === 2) await checkGradient('up-sampling between corners', () => upsamplingCheck([5, 7]))
      await checkGradient(`loss of the ${head.kind} head`, () => lossCheck(head, dimensions, loss))
    },
    dispose: () => void heads.dispose(),
  }
}

/** From the size of features, whose shape is checked, to that of the image. */
function upsampling(
  image: readonly number[],
  given: readonly number[],
  channels: number,
): (output: tf.Tensor) => tf.Tensor {
  const size = given.slice(1, -1)
  if (size.length === image.length && given.at(-1) === channels) {
    const factor = image.map((length, axis) => length / size[axis]!)
    if (factor.every(Number.isInteger)) return (output) => linearUpsample(output, factor)
    const steps = image.map((length, axis) => (length - 1) / (size[axis]! - 1))
    if (steps.length === 2 && steps.every(Number.isInteger)) {
      return (output) => tf.image.resizeBilinear(output as tf.Tensor4D, image as [number, number], true)
    }
  }
  throw new ModelError('wrapped function', {
    found: `features of shape [${given}] for an image of ${image.join(' × ')}`,
    expected: `[N, *S / k, ${channels}] with whole numbers k${image.length === 2 ? `, or [N, *(S − 1) / k + 1, ${channels}]` : ''}`,
    remedy: "Correct the option 'features', or pad the image",
  })
}

/** The gradient of up-sampling by 2 to an image of a size, or, of odd sizes, between corners. */
function upsamplingCheck(image: readonly number[]): Check {
  const x = normalVariable([2, ...image.map((length) => Math.ceil(length / 2)), 3], 0)
  return {
    variables: [x],
    compute: () => upsampling(image, x.shape, 3)(x),
    dispose: () => x.dispose(),
  }
}

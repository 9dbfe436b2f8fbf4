// What an engine trains: something that gives a head's outputs for images, and its parameters by name.
import { geometryOf, headNodes, type NetworkSpec } from '@stochseg/backbones'
import { ModelError, type SsnHead, type Weights } from '@stochseg/core'
import type * as tf from '@tensorflow/tfjs-core'
import { buildModel } from './build'
import type { DropoutSource } from './dropout-source'
import { gradientSelfTest } from './gradient-self-test'
import type { HeadOutputs, Loss } from './loss'
import { type ModelParameter, specParameters } from './model-weights'

/** A network under training, in TF.js. */
export interface TrainableNetwork {
  readonly head: SsnHead
  /** Channels of the images. */
  readonly channels: number
  readonly parameters: readonly ModelParameter[]
  /** Spatial size of the outputs for images of a size. Throws `ShapeError` for one that the network does not take. */
  outputSize(spatial: readonly number[]): readonly number[]
  /** The head's outputs for images `[N, *S, channels]`: in training mode where it is told what to draw dropout from. */
  forward(images: tf.Tensor, training?: DropoutSource): HeadOutputs
  /** Compares the gradients of all that is trained with finite differences. Throws `RuntimeUnavailableError`. */
  checkGradients(loss?: Loss): Promise<void>
  dispose(): void
}

/** A network as data, and its weights. */
export interface SpecNetwork {
  readonly spec: NetworkSpec
  readonly head: SsnHead
  readonly weights: Weights
}

/** A spec with its head. Throws {@link ModelError} for weights that do not fit, and for a spec with several inputs. */
export function specNetwork({ spec, head, weights }: SpecNetwork): TrainableNetwork {
  if (spec.inputs.length !== 1) {
    throw new ModelError(`network '${spec.name}'`, {
      found: `${spec.inputs.length} inputs`,
      expected: 'one',
      remedy: 'Cut further inputs out of one image inside the spec, with crop and slice nodes',
    })
  }
  const dropout: DropoutSource = { seed: 0, stream: 0 }
  const model = buildModel(spec, head, weights, dropout)
  const geometry = geometryOf(spec)
  return {
    head,
    channels: spec.inputs[0]!.channels,
    parameters: specParameters(model, spec, head),
    outputSize: (spatial) => geometry.outputSize(spatial),
    forward: (images, training) => {
      if (training) Object.assign(dropout, { seed: training.seed, stream: training.stream })
      const outputs = [model.apply(images, { training: training !== undefined })].flat() as tf.Tensor[]
      const own = headNodes(spec, head).length
      const auxiliary = (spec.auxiliary ?? []).map(({ weight }, index) => {
        return { logits: outputs[own + index]!, weight }
      })
      return { ...headOutputs(outputs.slice(0, own)), auxiliary }
    },
    checkGradients: (loss) => gradientSelfTest(spec, head, loss),
    dispose: () => void model.dispose(),
  }
}

/** A model's outputs by what they are: the mean, and, by the head's kind, log-diagonal and factor. */
export function headOutputs(outputs: unknown): HeadOutputs {
  const [mean, logDiagonal, factor] = [outputs].flat() as tf.Tensor[]
  return { mean: mean!, ...(logDiagonal ? { logDiagonal } : {}), ...(factor ? { factor } : {}) }
}

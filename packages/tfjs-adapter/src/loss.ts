// The joint loss of a batch as a differentiable scalar of the head's outputs, in two ways that agree.
import {
  DETERMINISTIC_VARIANCE,
  drawNoise,
  labelTargets,
  meanCrossEntropy,
  monteCarloLoss,
  monteCarloNll,
  type SsnHead,
  type StepOptions,
  sampledLogits,
  type TrainingBatch,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { fromPlanar, toPlanar } from './planar'
import { tensorOps } from './tensor-ops'

/** What the head's convolutions give, channels last. */
export interface HeadOutputs {
  /** `[N, *S, C]`. */
  readonly mean: tf.Tensor
  /** `[N, *S, C]`; none when deterministic. */
  readonly logDiagonal?: tf.Tensor
  /** `[N, *S, C·R]`, channel c·R + r; only when low-rank. */
  readonly factor?: tf.Tensor
}

/** The labels of a step and how its loss is drawn. */
export type LossInputs = Pick<TrainingBatch, 'labels' | 'roi'> &
  Pick<StepOptions, 'phase' | 'samples' | 'antithetic' | 'seed' | 'stream'>

/** A loss: the mean over the batch, in nats per image. */
export type Loss = (head: SsnHead, outputs: HeadOutputs, inputs: LossInputs) => tf.Scalar

/**
 * The loss with gradients from core's `monteCarloNll`: the head's outputs are downloaded, and no tensor grows with the
 * number of samples. The faster way where tensors live in this process's memory (wasm, cpu). NaN, with gradients of 0,
 * where the outputs are not finite.
 */
export const streamingLoss: Loss = (head, outputs, inputs) => {
  const meanOnly = isMeanOnly(head, inputs)
  const { mean, logDiagonal, factor } = outputs
  const read = meanOnly ? [mean] : [mean, logDiagonal!, ...(factor ? [factor] : [])]
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc
    const tensors = args as tf.Tensor[]
    const [meanValues, logDiagonalValues, factorValues] = tensors.map(
      (tensor) => toPlanar(tensor).dataSync() as Float32Array,
    )
    const [batch, ...spatial] = mean.shape.slice(0, -1) as [number, ...number[]]
    const deviations = logDiagonalValues?.map(Math.exp)
    if (![meanValues, deviations, factorValues].every(isFiniteArray)) {
      return { value: tf.scalar(Number.NaN), gradFunc: () => tensors.map((tensor) => tf.zerosLike(tensor)) }
    }
    const { loss, gradients } = monteCarloNll(
      {
        batch,
        classes: head.classes,
        rank: factorValues ? head.rank : 0,
        spatial,
        mean: meanValues!,
        factor: factorValues ?? new Float32Array(0),
        diagonal:
          deviations?.map((variance) => variance + head.epsilon) ??
          new Float32Array(meanValues!.length).fill(DETERMINISTIC_VARIANCE),
      },
      inputs.labels,
      {
        samples: meanOnly ? 1 : inputs.samples,
        antithetic: !meanOnly && (inputs.antithetic ?? false),
        seed: inputs.seed,
        stream: inputs.stream,
        gradients: true,
        ...(inputs.roi ? { roi: inputs.roi } : {}),
      },
    )
    // d/d(log-diagonal) = d/d(diagonal) · exp(log-diagonal).
    const logDiagonalGradient = deviations?.map((value, index) => value * gradients!.diagonal[index]!)
    const planar = [gradients!.mean, logDiagonalGradient, gradients!.factor]
    save(
      tensors.map((tensor, index) => fromPlanar(planar[index]!, [batch, tensor.shape.at(-1)!, ...spatial])),
    )
    return {
      value: tf.scalar(loss),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy)),
    }
  })
  return operation(...read) as tf.Scalar
}

/**
 * The loss by core's formulas over tensors, differentiated by TF.js. Holds `samples` times the logits: for tests, and
 * for backends where a download costs more than the memory.
 */
export const materialisedLoss: Loss = (head, outputs, inputs) =>
  tf.tidy(() => {
    const { classes, rank, epsilon } = head
    const [batch, ...spatial] = outputs.mean.shape.slice(0, -1) as [number, ...number[]]
    const voxels = tf.util.sizeFromShape(spatial)
    const flat = (tensor: tf.Tensor, ...axes: number[]): tf.Tensor =>
      tf.reshape(toPlanar(tensor), [batch, ...axes, voxels])
    const mean = flat(outputs.mean, classes)
    const targets = labelTargets(inputs.labels, { batch, classes, voxels }, inputs.roi)
    const labels = { targets: tf.tensor(targets, [batch, Math.max(classes, 2), voxels]) }
    if (isMeanOnly(head, inputs)) {
      return tf.mean(meanCrossEntropy(tensorOps, mean, labels, classes)) as tf.Scalar
    }

    const { samples, antithetic = false, seed, stream } = inputs
    const drawn = antithetic ? samples / 2 : samples
    const noise = drawNoise({ batch, classes, rank, spatial, samples: drawn, seed, stream })
    const noiseTensor = (values: Float32Array, ...shape: number[]): tf.Tensor => {
      const tensor = tf.tensor(values, [drawn, ...shape])
      return antithetic ? tf.reshape(tf.stack([tensor, tf.neg(tensor)], 1), [samples, ...shape]) : tensor
    }
    const logits = sampledLogits(
      tensorOps,
      {
        mean,
        diagonal: tf.add(tf.exp(flat(outputs.logDiagonal!, classes)), epsilon),
        ...(outputs.factor ? { factor: flat(outputs.factor, classes, rank) } : {}),
      },
      {
        z: noiseTensor(noise.z, batch, rank),
        epsilon: noiseTensor(noise.epsilon, batch, classes, voxels),
      },
    )
    return tf.mean(monteCarloLoss(tensorOps, logits, labels, { classes, samples })) as tf.Scalar
  })

function isFiniteArray(values: Float32Array | undefined): boolean {
  return values?.every(Number.isFinite) ?? true
}

/** The deterministic head, and every head in its first phase, learn by the cross-entropy of the mean. */
function isMeanOnly(head: SsnHead, inputs: LossInputs): boolean {
  return head.kind === 'deterministic' || inputs.phase === 'mean'
}

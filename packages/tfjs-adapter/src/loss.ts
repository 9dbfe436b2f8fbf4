// The joint loss of a batch as a differentiable scalar of the head's outputs, in two ways that agree.
import {
  DETERMINISTIC_VARIANCE,
  type DistributionArrays,
  drawNoise,
  labelTargets,
  meanCrossEntropy,
  monteCarloLoss,
  type SsnHead,
  sampledLogits,
  type TrainingBatch,
  type TrainingLossOptions,
  trainingLoss,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import type { AuxiliaryOutput } from './auxiliary-loss'
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
  /** Of deep supervision: logits at lower resolutions, which losses of the head leave out. */
  readonly auxiliary?: readonly AuxiliaryOutput[]
}

/** The labels of a step and how its loss is drawn. */
export type LossInputs = Pick<TrainingBatch, 'labels'> & TrainingLossOptions

/** A loss: the mean over the batch, in nats per image. */
export type Loss = (head: SsnHead, outputs: HeadOutputs, inputs: LossInputs) => tf.Scalar

/**
 * The loss with gradients from core's `trainingLoss`: the head's outputs are downloaded, and no tensor grows with the
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
    const { loss, gradients } = trainingLoss(
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
      { ...inputs, phase: meanOnly ? 'mean' : 'all' },
    )
    // d/d(log-diagonal) = d/d(diagonal) · exp(log-diagonal).
    const logDiagonalGradient = deviations?.map((value, index) => value * gradients.diagonal[index]!)
    const planar = [gradients.mean, logDiagonalGradient, gradients.factor]
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
    const { classWeights, meanLossWeight = 0, diagonalLossWeight = 0 } = inputs
    const oneHot = tf.tensor(targets, [batch, Math.max(classes, 2), voxels])
    const labels = {
      targets: classWeights ? tf.mul(oneHot, tf.tensor([...classWeights], [classWeights.length, 1])) : oneHot,
    }
    const meanLoss = (): tf.Tensor => meanCrossEntropy(tensorOps, mean, labels, classes)
    if (isMeanOnly(head, inputs)) return tf.mean(meanLoss()) as tf.Scalar

    const { samples, antithetic = false, seed, stream } = inputs
    const drawn = antithetic ? samples / 2 : samples
    const noise = drawNoise({ batch, classes, rank, spatial, samples: drawn, seed, stream })
    const noiseTensor = (values: Float32Array, ...shape: number[]): tf.Tensor => {
      const tensor = tf.tensor(values, [drawn, ...shape])
      return antithetic ? tf.reshape(tf.stack([tensor, tf.neg(tensor)], 1), [samples, ...shape]) : tensor
    }
    const diagonal = tf.add(tf.exp(flat(outputs.logDiagonal!, classes)), epsilon)
    const factor = outputs.factor && flat(outputs.factor, classes, rank)
    const drawnNoise = {
      z: noiseTensor(noise.z, batch, rank),
      epsilon: noiseTensor(noise.epsilon, batch, classes, voxels),
    }
    const jointLoss = (distribution: DistributionArrays<tf.Tensor>): tf.Tensor =>
      monteCarloLoss(tensorOps, sampledLogits(tensorOps, distribution, drawnNoise), labels, {
        classes,
        samples,
      })
    let loss = jointLoss({ mean, diagonal, ...(factor && { factor }) })
    if (diagonalLossWeight > 0) loss = tf.add(loss, tf.mul(diagonalLossWeight, jointLoss({ mean, diagonal })))
    if (meanLossWeight > 0) loss = tf.add(loss, tf.mul(meanLossWeight, meanLoss()))
    return tf.mean(loss) as tf.Scalar
  })

function isFiniteArray(values: Float32Array | undefined): boolean {
  return values?.every(Number.isFinite) ?? true
}

/** The deterministic head, and every head in its first phase, learn by the cross-entropy of the mean. */
export function isMeanOnly(head: SsnHead, inputs: LossInputs): boolean {
  return head.kind === 'deterministic' || inputs.phase === 'mean'
}

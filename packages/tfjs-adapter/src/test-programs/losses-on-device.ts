// Test support: how far the loss on the device is from core's, with its gradients.
import { DETERMINISTIC_VARIANCE, type SsnHead, ssnHead, standardNormals, trainingLoss } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { fromPlanar, toPlanar } from '../planar'
import { onDeviceLoss } from '../webgpu/on-device-loss'

/** Differences relative to the loss, and to each gradient's largest value. */
export interface LossFinding {
  readonly loss: number
  readonly gradients: readonly number[]
}

/** Several heads, on more voxels than one workgroup sums. */
export async function lossFindings(): Promise<LossFinding[]> {
  const options = { phase: 'all', samples: 6, seed: 2 ** 40 + 3, stream: 7 } as const
  const mixed = { antithetic: true, meanLossWeight: 0.5, diagonalLossWeight: 0.25 }
  return [
    await lossFinding(ssnHead({ classes: 3, rank: 2 }), [45, 29], options),
    await lossFinding(ssnHead({ classes: 4, rank: 10 }), [3, 5, 4], {
      ...options,
      ...mixed,
      classWeights: [1, 0, 3, 2],
    }),
    await lossFinding(ssnHead({ kind: 'low-rank', classes: 1, rank: 3 }), [6, 5], {
      ...options,
      ...mixed,
      classWeights: [1, 2],
    }),
    await lossFinding(ssnHead({ kind: 'diagonal', classes: 2 }), [7], { ...options, ...mixed }),
    await lossFinding(ssnHead({ kind: 'deterministic', classes: 2 }), [7], options),
  ]
}

/** The loss of a mean that is not finite, at one voxel. */
export async function lossOfNaN(): Promise<number> {
  const head = ssnHead({ classes: 2, rank: 1 })
  const mean = tf.tensor([Number.NaN, 0, 1, 2], [1, 2, 2])
  const [logDiagonal, factor] = [tf.zeros([1, 2, 2]), tf.ones([1, 2, 2])]
  const options = { phase: 'all', samples: 4, seed: 0, stream: 0 } as const
  const value = onDeviceLoss(head, { mean, logDiagonal, factor }, { labels: new Uint8Array(2), ...options })
  return (await value.data())[0]!
}

async function lossFinding(
  head: SsnHead,
  spatial: readonly number[],
  options: Omit<Parameters<typeof trainingLoss>[2], 'roi'>,
): Promise<LossFinding> {
  const { kind, classes, rank, epsilon } = head
  const batch = 2
  const voxels = tf.util.sizeFromShape([...spatial])
  const planes = [
    classes,
    ...(kind === 'deterministic' ? [] : [classes]),
    ...(kind === 'low-rank' ? [classes * rank] : []),
  ]
  const arrays = planes.map((channels, plane) =>
    standardNormals(batch * channels * voxels, { seed: 5, plane }),
  )
  const labels = Uint8Array.from({ length: batch * voxels }, (_, voxel) => (voxel * 7) % Math.max(classes, 2))
  const roi = labels.map((_, voxel) => (voxel % 5 === 0 ? 0 : 1))
  const variances = arrays[1]?.map(Math.exp)
  const expected = trainingLoss(
    {
      ...{ batch, classes, rank: kind === 'low-rank' ? rank : 0, spatial, mean: arrays[0]! },
      factor: arrays[2] ?? new Float32Array(0),
      diagonal:
        variances?.map((variance) => variance + epsilon) ?? arrays[0]!.map(() => DETERMINISTIC_VARIANCE),
    },
    labels,
    { ...options, roi, phase: kind === 'deterministic' ? 'mean' : options.phase },
  )
  const tensors = arrays.map((values, index) => fromPlanar(values, [batch, planes[index]!, ...spatial]))
  const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
    const [mean, logDiagonal, factor] = args
    const outputs = { mean: mean!, ...(logDiagonal && { logDiagonal }), ...(factor && { factor }) }
    return onDeviceLoss(head, outputs, { ...options, labels, roi })
  })(tensors)
  const { mean, diagonal, factor } = expected.gradients
  const wanted = [mean, diagonal.map((slope, index) => slope * (variances?.[index] ?? 0)), factor]
  const gradients: number[] = []
  for (const [index, gradient] of grads.entries()) {
    const found = (await toPlanar(gradient).data()) as Float32Array
    const largest = wanted[index]!.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0)
    gradients.push(
      found.reduce((most, slope, at) => Math.max(most, Math.abs(slope - wanted[index]![at]!)), 0) / largest,
    )
  }
  return { loss: Math.abs((await value.data())[0]! / expected.loss - 1), gradients }
}

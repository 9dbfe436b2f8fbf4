// Deep supervision: the cross-entropy of auxiliary heads, at lower resolutions than the labels'.
import { type BatchLabels, ShapeError, type SsnHead } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { type LossInputs, streamingLoss } from './loss'

/** What an auxiliary head gives: logits `[N, *S, C]`, and its weight in the loss. */
export interface AuxiliaryOutput {
  readonly logits: tf.Tensor
  readonly weight: number
}

/**
 * Σ weight · voxels / voxels at the head's size · cross-entropy, in nats per image. The label of a voxel there is that in the
 * middle of the voxels that it covers.
 *
 * @param spatial size of the labels, which each head's size divides; throws {@link ShapeError} where one does not.
 */
export function auxiliaryLoss(
  head: SsnHead,
  outputs: readonly AuxiliaryOutput[],
  inputs: LossInputs,
  spatial: readonly number[],
): tf.Tensor | undefined {
  const losses = outputs.map(({ logits, weight }) => {
    const size = logits.shape.slice(1, -1)
    const factor = spatial.map((length, axis) => length / size[axis]!)
    if (!factor.every(Number.isInteger)) {
      throw new ShapeError('auxiliary head', {
        found: `${size.join(' × ')} voxels for labels of ${spatial.join(' × ')}`,
        expected: 'a size that divides that of the labels',
        remedy: 'Name tensors as auxiliary that a whole factor separates from the features',
      })
    }
    const { labels, roi } = thinned(inputs, spatial, factor)
    const own: LossInputs = { ...inputs, labels, ...(roi && { roi }), phase: 'mean' }
    const voxels = factor.reduce((product, times) => product * times, 1)
    return tf.mul(streamingLoss(head, { mean: logits }, own), weight * voxels)
  })
  return losses.length > 0 ? tf.addN(losses) : undefined
}

/** The middle one of each block of `factor` voxels. */
function thinned(
  { labels, roi }: BatchLabels,
  spatial: readonly number[],
  factor: readonly number[],
): BatchLabels {
  const voxels = spatial.reduce((product, length) => product * length, 1)
  const offsets = spatial.reduce<number[]>(
    (outer, length, axis) =>
      outer.flatMap((offset) =>
        Array.from({ length: length / factor[axis]! }, (_, index) => {
          const middle = index * factor[axis]! + Math.floor(factor[axis]! / 2)
          return offset * length + middle
        }),
      ),
    [0],
  )
  const take = (maps: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: (maps.length / voxels) * offsets.length }, (_, index) => {
      const item = Math.floor(index / offsets.length)
      return maps[item * voxels + offsets[index % offsets.length]!]!
    })
  return { labels: take(labels), ...(roi && { roi: take(roi) }) }
}

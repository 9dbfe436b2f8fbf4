// Batch normalisation as a layer, for any number of spatial axes (TF.js' own stops at 2D).
import type { BatchNormNode } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable, type Shape } from '@tensorflow/tfjs-layers'
import { batchNormalisation } from '../operations/batch-normalisation'
import { NodeLayer } from './node-layer'

/**
 * Normalises the last axis: by the batch's statistics in training, by the running estimates otherwise.
 *
 * Training moves an estimate to momentum · old + (1 − momentum) · batch, Keras' convention, with the biased variance.
 */
export class BatchNormalisationLayer extends NodeLayer<BatchNormNode> {
  static className = 'StochsegBatchNormalisation'
  private scale!: LayerVariable
  private bias!: LayerVariable
  private mean!: LayerVariable
  private variance!: LayerVariable

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1)!
    const add = (part: string, initial: number, trainable: boolean): LayerVariable =>
      this.addWeight(
        part,
        [channels],
        'float32',
        initializers.constant({ value: initial }),
        undefined,
        trainable,
      )
    this.scale = add('scale', 1, true)
    this.bias = add('bias', 0, true)
    this.mean = add('mean', 0, false)
    this.variance = add('variance', 1, false)
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }): tf.Tensor {
    const x = [inputs].flat()[0]!
    const scale = this.scale.read() as tf.Tensor1D
    const bias = this.bias.read() as tf.Tensor1D
    if (kwargs.training) {
      return batchNormalisation(x, scale, bias, this.node.epsilon, (statistics) => {
        this.move(this.mean, statistics.mean)
        this.move(this.variance, statistics.variance)
      })
    }
    return tf.tidy(() => {
      const slope = tf.mul(scale, tf.rsqrt(tf.add(this.variance.read(), this.node.epsilon)))
      return tf.add(tf.mul(x, slope), tf.sub(bias, tf.mul(this.mean.read(), slope)))
    })
  }

  private move(estimate: LayerVariable, batch: tf.Tensor): void {
    tf.tidy(() => {
      const kept = tf.mul(estimate.read(), this.node.momentum)
      estimate.write(tf.add(kept, tf.mul(batch, 1 - this.node.momentum)))
    })
  }
}

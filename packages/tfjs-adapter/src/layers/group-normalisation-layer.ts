// Group normalisation as a layer, for any number of spatial axes; TF.js has none.
import type { GroupNormNode } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable, type Shape } from '@tensorflow/tfjs-layers'
import { NodeLayer } from './node-layer'

/** Normalises groups of neighbouring channels of each image by their own statistics, in training as in inference. */
export class GroupNormalisationLayer extends NodeLayer<GroupNormNode> {
  static className = 'StochsegGroupNormalisation'
  private scale!: LayerVariable
  private bias!: LayerVariable

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1)!
    this.scale = this.addWeight('scale', [channels], 'float32', initializers.ones())
    this.bias = this.addWeight('bias', [channels], 'float32', initializers.zeros())
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = [inputs].flat()[0]!
      const channels = x.shape.at(-1)!
      const grouped = tf.reshape(x, [x.shape[0]!, -1, this.node.groups, channels / this.node.groups])
      const { mean, variance } = tf.moments(grouped, [1, 3], true)
      const normalised = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, this.node.epsilon)))
      return tf.add(tf.mul(tf.reshape(normalised, x.shape), this.scale.read()), this.bias.read())
    })
  }
}

// A PReLU with one slope for all channels as a layer (TF.js' own has a slow gradient).
import type { ActivationNode } from '@stochseg/backbones'
import type * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable } from '@tensorflow/tfjs-layers'
import { leaky } from '../operations/leaky-gradient'
import { NodeLayer } from './node-layer'

/** max(x, 0) + slope · min(x, 0). */
export class PreluLayer extends NodeLayer<ActivationNode> {
  static className = 'StochsegPrelu'
  private slope!: LayerVariable

  override build(): void {
    this.slope = this.addWeight('slope', [1], 'float32', initializers.zeros())
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return leaky([inputs].flat()[0]!, this.slope.read())
  }
}

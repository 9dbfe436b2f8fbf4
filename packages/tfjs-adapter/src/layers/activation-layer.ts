// ReLU, leaky ReLU and PReLU as layers: TF.js' own keep a tensor more for the backward pass, and are slower there.
import type { ActivationNode } from '@stochseg/backbones'
import type * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable } from '@tensorflow/tfjs-layers'
import { prelu, rectifier } from '../operations/rectifiers'
import { NodeLayer } from './node-layer'

/** A piecewise linear activation; `prelu` has one slope for all channels. */
export class ActivationLayer extends NodeLayer<ActivationNode> {
  static className = 'StochsegActivation'
  private slope: LayerVariable | undefined

  override build(): void {
    if (this.node.function === 'prelu') {
      this.slope = this.addWeight('slope', [1], 'float32', initializers.zeros())
    }
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = [inputs].flat()[0]!
    if (this.slope) return prelu(x, this.slope.read())
    return rectifier(x, this.node.function === 'relu' ? 0 : (this.node.slope ?? 0.01))
  }
}

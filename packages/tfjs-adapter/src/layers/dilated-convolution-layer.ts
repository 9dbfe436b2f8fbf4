// A dilated convolution in 2D or 3D, trainable on every backend.
import type { ConvolutionNode } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable, type Shape } from '@tensorflow/tfjs-layers'
import { dilatedConvolution } from '../operations/dilated-convolution'
import { NodeLayer } from './node-layer'

/** Computes a convolution node by plain convolutions of the input's phases. */
export class DilatedConvolutionLayer extends NodeLayer<ConvolutionNode> {
  static className = 'StochsegDilatedConvolution'
  private kernel!: LayerVariable
  private bias: LayerVariable | undefined

  override build(inputShape: Shape | Shape[]): void {
    const { kernel, channels, bias } = this.node
    const shape = [...kernel, (inputShape as Shape).at(-1)!, channels]
    this.kernel = this.addWeight('kernel', shape, 'float32', initializers.zeros())
    if (bias) this.bias = this.addWeight('bias', [channels], 'float32', initializers.zeros())
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = [inputs].flat()[0]!
      const { kernel, padding } = this.node
      const { dilation = kernel.map(() => 1), stride = kernel.map(() => 1) } = this.node
      const filter = this.kernel.read()
      const output = dilatedConvolution(x, { kernel, stride, dilation, padding }, (phases) =>
        kernel.length === 2
          ? tf.conv2d(phases as tf.Tensor4D, filter as tf.Tensor4D, stride as [number, number], 'valid')
          : tf.conv3d(
              phases as tf.Tensor5D,
              filter as tf.Tensor5D,
              stride as [number, number, number],
              'valid',
            ),
      )
      return this.bias ? tf.add(output, this.bias.read()) : output
    })
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, ...sizes] = inputShape as Shape
    const { kernel, channels, padding, dilation, stride } = this.node
    const output = kernel.map((length, axis) => {
      const size = sizes[axis]
      if (size === null || size === undefined) return null
      const reach = padding === 'same' ? 0 : (length - 1) * (dilation?.[axis] ?? 1)
      return Math.ceil((size - reach) / (stride?.[axis] ?? 1))
    })
    return [batch!, ...output, channels]
  }
}

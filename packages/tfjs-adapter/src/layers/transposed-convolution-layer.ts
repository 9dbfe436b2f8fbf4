// A transposed convolution whose stride is its kernel, in 2D or 3D (TF.js' own has a wrong gradient in 3D).
import type { TransposedConvolutionNode } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, type LayerVariable, type Shape } from '@tensorflow/tfjs-layers'
import { NodeLayer } from './node-layer'

/** Turns every voxel into a block: one product of matrices, then its columns are laid out in space. */
export class TransposedConvolutionLayer extends NodeLayer<TransposedConvolutionNode> {
  static className = 'StochsegTransposedConvolution'
  private kernel!: LayerVariable
  private bias: LayerVariable | undefined

  override build(inputShape: Shape | Shape[]): void {
    const { factor, channels, bias } = this.node
    const shape = [...factor, channels, (inputShape as Shape).at(-1)!]
    this.kernel = this.addWeight('kernel', shape, 'float32', initializers.zeros())
    if (bias) this.bias = this.addWeight('bias', [channels], 'float32', initializers.zeros())
    this.built = true
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = [inputs].flat()[0]!
      const { factor, channels } = this.node
      const [batch, ...sizes] = x.shape.slice(0, -1) as [number, ...number[]]
      const width = x.shape.at(-1)!
      const rows = tf.reshape(x, [-1, width]) as tf.Tensor2D
      const kernel = tf.reshape(this.kernel.read(), [-1, width]) as tf.Tensor2D
      let blocks: tf.Tensor = tf.matMul(rows, kernel, false, true)
      // [.., length, later lengths, factor, later factors · channels] → [.., length, factor, later lengths, ..]
      let outer = batch
      factor.forEach((times, axis) => {
        outer *= sizes[axis]!
        const later = product(sizes.slice(axis + 1))
        const inner = product(factor.slice(axis + 1)) * channels
        blocks = tf.transpose(tf.reshape(blocks, [outer, later, times, inner]), [0, 2, 1, 3])
        outer *= times
      })
      const output = tf.reshape(blocks, [
        batch,
        ...sizes.map((length, axis) => length * factor[axis]!),
        channels,
      ])
      return this.bias ? tf.add(output, this.bias.read()) : output
    })
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, ...sizes] = (inputShape as Shape).slice(0, -1)
    const { factor, channels } = this.node
    const output = sizes.map((length, axis) => (length === null ? null : length * factor[axis]!))
    return [batch!, ...output, channels]
  }
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1)
}

// Nodes without weights that TF.js has no layer for, or no right one.
import type { CropNode, DropoutNode, PerAxis, SliceNode, UpsampleNode } from '@stochseg/backbones'
import * as tf from '@tensorflow/tfjs-core'
import type { Shape } from '@tensorflow/tfjs-layers'
import { type DropoutSource, dropoutSeed } from '../dropout-source'
import { dropout } from '../operations/dropout'
import { everyNth } from '../operations/every-nth'
import { linearUpsample } from '../operations/linear-upsample'
import { nearestUpsample } from '../operations/nearest-upsample'
import { NodeLayer } from './node-layer'

/** Up-sampling, crop, strided slice or dropout as a layer. */
export class OperationLayer extends NodeLayer<UpsampleNode | CropNode | SliceNode | DropoutNode> {
  static className = 'StochsegOperation'
  private dropout: DropoutSource

  /** @param config `dropout` tells where masks come from: the same one every time unless given ({@link drawFrom}). */
  constructor(config: {
    readonly node: UpsampleNode | CropNode | SliceNode | DropoutNode
    readonly dropout?: DropoutSource
  }) {
    super(config)
    this.dropout = config.dropout ?? { seed: 0, stream: 0 }
  }

  /** Takes the masks of dropout from another source, whose owner sets it before each step. */
  drawFrom(source: DropoutSource): void {
    this.dropout = source
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }): tf.Tensor {
    const x = [inputs].flat()[0]!
    const { node } = this
    switch (node.op) {
      case 'upsample':
        return node.kind === 'linear' ? linearUpsample(x, node.factor) : nearestUpsample(x, node.factor)
      case 'crop':
        return crop(x, node.before, node.after)
      case 'slice':
        return everyNth(x, node.start, node.step)
      case 'dropout':
        return kwargs.training
          ? dropout(x, { rate: node.rate, key: dropoutSeed(this.dropout, node.name) })
          : x.clone()
    }
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape
    return shape.map((size, index) =>
      size === null || index === 0 || index === shape.length - 1 ? size : this.length(size, index - 1),
    )
  }

  private length(size: number, axis: number): number {
    const { node } = this
    switch (node.op) {
      case 'upsample':
        return size * node.factor[axis]!
      case 'crop':
        return size - node.before[axis]! - node.after[axis]!
      case 'slice':
        return Math.ceil((size - node.start[axis]!) / node.step[axis]!)
      case 'dropout':
        return size
    }
  }
}

function crop(x: tf.Tensor, before: PerAxis, after: PerAxis): tf.Tensor {
  const size = x.shape.slice(1, -1).map((length, axis) => length - before[axis]! - after[axis]!)
  return tf.slice(x, [0, ...before, 0], [x.shape[0]!, ...size, x.shape.at(-1)!])
}

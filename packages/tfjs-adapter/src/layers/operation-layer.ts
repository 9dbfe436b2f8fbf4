// A layer without weights around any function of tensors: what TF.js has no layer for.
import type { Tensor } from '@tensorflow/tfjs-core'
import { layers, type Shape } from '@tensorflow/tfjs-layers'

/** What an {@link OperationLayer} computes. */
export interface Operation {
  readonly apply: (inputs: Tensor[], training: boolean) => Tensor
  /** Output shape `[batch, *spatial, channels]`, null where unknown, from that of the first input. */
  readonly outputShape: (inputShape: Shape) => Shape
}

/** A named layer that applies an {@link Operation}. */
export class OperationLayer extends layers.Layer {
  static className = 'StochsegOperation'

  constructor(
    name: string,
    private readonly operation: Operation,
  ) {
    super({ name })
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
    return this.operation.apply([inputs].flat(), kwargs.training ?? false)
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const first = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape
    return this.operation.outputShape(first)
  }
}

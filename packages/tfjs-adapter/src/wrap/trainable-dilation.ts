// Dilated layers of a user's network, computed by phases: TF.js refuses or lacks the gradient of its own.
import * as tf from '@tensorflow/tfjs-core'
import type { layers } from '@tensorflow/tfjs-layers'
import { type Convolve, convolveDilated, dilatedWindow } from '../layers/dilated-call'

const CONVOLVE: Readonly<Record<string, Convolve>> = {
  Conv2D: (x, [kernel], stride) =>
    tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride as [number, number], 'valid'),
  Conv3D: (x, [kernel], stride) =>
    tf.conv3d(x as tf.Tensor5D, kernel as tf.Tensor5D, stride as [number, number, number], 'valid'),
  SeparableConv2D: (x, [depthwise, pointwise], stride) =>
    tf.separableConv2d(
      x as tf.Tensor4D,
      depthwise as tf.Tensor4D,
      pointwise as tf.Tensor4D,
      stride as [number, number],
      'valid',
    ),
}

/** Replaces what a dilated convolution layer calls, with the same result; any other layer is left alone. */
export function makeDilationTrainable(layer: layers.Layer): void {
  const convolve = CONVOLVE[layer.getClassName()]
  if (!convolve || dilatedWindow(layer).dilation.every((step) => step === 1)) return
  layer.call = (inputs) => convolveDilated(layer, inputs, convolve)
}

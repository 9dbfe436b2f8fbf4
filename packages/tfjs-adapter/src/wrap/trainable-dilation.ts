// Dilated layers of a user's network, computed by phases: TF.js refuses or lacks the gradient of its own.
import * as tf from '@tensorflow/tfjs-core'
import type { layers } from '@tensorflow/tfjs-layers'
import { dilatedConvolution } from '../operations/dilated-convolution'

type Convolve = (phases: tf.Tensor, weights: tf.Tensor[], stride: number[]) => tf.Tensor

const CONVOLVE: Readonly<Record<string, Convolve>> = {
  Conv2D: (x, [kernel], stride) =>
    tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride as [number, number], 'valid'),
  Conv3D: (x, [kernel], stride) =>
    tf.conv3d(x as tf.Tensor5D, kernel as tf.Tensor5D, stride as [number, number, number], 'valid'),
  DepthwiseConv2D: (x, [kernel], stride) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride as [number, number], 'valid'),
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
  if (!convolve) return
  const config = layer.getConfig()
  const kernel = [config.kernelSize].flat() as number[]
  const perAxis = (value: unknown): number[] => {
    const values = [value ?? 1].flat() as number[]
    return values.length === kernel.length ? values : kernel.map(() => values[0]!)
  }
  const dilation = perAxis(config.dilationRate)
  if (dilation.every((step) => step === 1)) return
  const stride = perAxis(config.strides)
  const window = { kernel, stride, dilation, padding: config.padding as 'same' | 'valid' }
  const { activation } = layer as unknown as { activation: { apply(x: tf.Tensor): tf.Tensor } | null }
  layer.call = (inputs) =>
    tf.tidy(() => {
      const weights = layer.weights.map((weight) => weight.read())
      const x = [inputs].flat()[0]!
      const output = dilatedConvolution(x, window, (phases) => convolve(phases, weights, stride))
      const biased = config.useBias ? tf.add(output, weights.at(-1)!) : output
      return activation ? activation.apply(biased) : biased
    })
}

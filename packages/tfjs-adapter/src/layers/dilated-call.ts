// What a dilated convolution layer of TF.js calls, computed by phases: TF.js refuses or lacks the gradient of its own.
import * as tf from '@tensorflow/tfjs-core'
import type { layers } from '@tensorflow/tfjs-layers'
import { type DilatedWindow, dilatedConvolution } from '../operations/dilated-convolution'

/** Convolves phases with the layer's weights, without padding. */
export type Convolve = (phases: tf.Tensor, weights: tf.Tensor[], stride: readonly number[]) => tf.Tensor

/** The window of a convolution layer. */
export function dilatedWindow(layer: layers.Layer): DilatedWindow {
  const config = layer.getConfig()
  const kernel = [config.kernelSize].flat() as number[]
  const perAxis = (value: unknown): number[] => {
    const values = [value ?? 1].flat() as number[]
    return values.length === kernel.length ? values : kernel.map(() => values[0]!)
  }
  const [stride, dilation] = [perAxis(config.strides), perAxis(config.dilationRate)]
  return { kernel, stride, dilation, padding: config.padding as 'same' | 'valid' }
}

/** The layer's output: dilated convolution, bias, activation. */
export function convolveDilated(
  layer: layers.Layer,
  inputs: tf.Tensor | tf.Tensor[],
  convolve: Convolve,
): tf.Tensor {
  return tf.tidy(() => {
    const { activation } = layer as unknown as { activation: { apply(x: tf.Tensor): tf.Tensor } | null }
    const window = dilatedWindow(layer)
    const weights = layer.weights.map((weight) => weight.read())
    const x = [inputs].flat()[0]!
    const output = dilatedConvolution(x, window, (phases) => convolve(phases, weights, window.stride))
    const biased = layer.getConfig().useBias ? tf.add(output, weights.at(-1)!) : output
    return activation ? activation.apply(biased) : biased
  })
}

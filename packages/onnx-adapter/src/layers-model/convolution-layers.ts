// Convolutions of all kinds, and dense layers, which are 1×1 convolutions where there are spatial axes.
import { ModelError } from '@stochseg/core'
import { transposedWindowAttributes, type Window, windowAttributes } from '../convolution-window'
import { depthwiseKernel, permuted, planarKernel } from '../tfjs-weights'
import { emitActivated } from './activation-layers'
import {
  constantOf,
  dimensionsOf,
  type EmitLayer,
  inputOf,
  type LayerCall,
  layerError,
  perAxis,
} from './layer-call'

/** The window of a convolution or pool. */
export function windowOf(
  call: LayerCall,
  kernel: readonly number[],
  stride: readonly number[] = perAxis(call, 'strides'),
): Window {
  const padding = String(call.layer.config.padding ?? 'valid').toLowerCase()
  if (padding !== 'valid' && padding !== 'same') throw layerError(call, `padding ${padding}`, 'valid or same')
  return { kernel, stride, dilation: perAxis(call, 'dilation_rate'), same: padding === 'same' }
}

/** The layer's bias as a further input, where it has one. */
function biasOf(call: LayerCall): string[] {
  return call.layer.config.use_bias === false ? [] : [constantOf(call, 'bias', call.weights('bias'))]
}

const emitConvolution: EmitLayer = (call) => {
  const kernel = planarKernel(call.weights('kernel'))
  const [channels, , ...size] = kernel.shape
  const group = Number(call.layer.config.groups ?? 1)
  const attributes = {
    ...windowAttributes(windowOf(call, size)),
    ...(group > 1 ? { group: { int: group } } : {}),
  }
  const { name, axes } = inputOf(call)
  const inputs = [name, constantOf(call, 'kernel', kernel), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, attributes, { axes, channels: channels! })
}

const emitDepthwise: EmitLayer = (call) => {
  const kernel = depthwiseKernel(call.weights('depthwise_kernel'))
  const { name, axes, channels } = inputOf(call)
  const window = depthwiseWindow(call, kernel.shape.slice(2))
  const attributes = { ...windowAttributes(window), group: { int: channels } }
  const inputs = [name, constantOf(call, 'depthwise_kernel', kernel), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, attributes, { axes, channels: kernel.shape[0]! })
}

/** The window of a DepthwiseConv2D layer, whose dilation TF.js ignores. */
function depthwiseWindow(call: LayerCall, kernel: readonly number[]): Window {
  const window = windowOf(call, kernel)
  const { layer, depthwiseDilation } = call
  if (layer.className !== 'DepthwiseConv2D' || window.dilation!.every((step) => step === 1)) return window
  if (depthwiseDilation === undefined) {
    throw new ModelError(`${layer.className} layer '${layer.name}'`, {
      found: `a dilation of ${window.dilation!.join(' × ')}, which TF.js 4.22 ignores`,
      expected: 'to be told whether it is meant',
      remedy:
        'Give depthwiseDilation: true (--depthwise-dilation yes) for a network of Keras, trained with it, or false (no) for one trained in TF.js, without',
    })
  }
  return depthwiseDilation ? window : { ...window, dilation: kernel.map(() => 1) }
}

const emitSeparable: EmitLayer = (call) => {
  const { graph } = call
  const { name, axes, channels } = inputOf(call)
  const kernel = depthwiseKernel(call.weights('depthwise_kernel'))
  const attributes = { ...windowAttributes(windowOf(call, kernel.shape.slice(2))), group: { int: channels } }
  const depthwise = graph.operator('Conv', [name, constantOf(call, 'depthwise_kernel', kernel)], attributes)
  const pointwise = planarKernel(call.weights('pointwise_kernel'))
  const inputs = [depthwise, constantOf(call, 'pointwise_kernel', pointwise), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, {}, { axes, channels: pointwise.shape[0]! })
}

const emitTransposed: EmitLayer = (call) => {
  const kernel = planarKernel(call.weights('kernel'))
  const [, channels, ...size] = kernel.shape
  const { name, axes } = inputOf(call)
  const inputs = [name, constantOf(call, 'kernel', kernel), ...biasOf(call)]
  const attributes = transposedWindowAttributes(windowOf(call, size))
  return emitActivated(call, 'ConvTranspose', inputs, attributes, { axes, channels: channels! })
}

const emitDense: EmitLayer = (call) => {
  const kernel = call.weights('kernel')
  const [inputs, channels] = kernel.shape
  const { name, axes } = inputOf(call)
  if (axes === 2) {
    const operands = [name, constantOf(call, 'kernel', kernel), ...biasOf(call)]
    return emitActivated(call, 'Gemm', operands, {}, { axes, channels: channels! })
  }
  const ones = Array<number>(dimensionsOf(call)).fill(1)
  const { data } = permuted(kernel, [1, 0])
  const weight = { shape: [channels!, inputs!, ...ones], data }
  const operands = [name, constantOf(call, 'kernel', weight), ...biasOf(call)]
  return emitActivated(call, 'Conv', operands, {}, { axes, channels: channels! })
}

/** Layers by Keras' class names. */
export const CONVOLUTION_LAYERS: Readonly<Record<string, EmitLayer>> = {
  Conv2D: emitConvolution,
  Conv3D: emitConvolution,
  DepthwiseConv2D: emitDepthwise,
  StochsegDilatedDepthwise: emitDepthwise,
  SeparableConv2D: emitSeparable,
  Conv2DTranspose: emitTransposed,
  Conv3DTranspose: emitTransposed,
  Dense: emitDense,
}

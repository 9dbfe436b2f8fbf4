// Convolutions of all kinds, and dense layers, which are 1×1 convolutions where there are spatial axes.
import type { OnnxAttribute } from '../protobuf/onnx-model'
import { emitActivated } from './activation-layers'
import {
  constantOf,
  dimensionsOf,
  type EmitLayer,
  inputOf,
  type LayerCall,
  layerError,
  perAxis,
  permuted,
} from './layer-call'
import type { StoredWeight } from './layers-model-artefacts'

/** Stride, dilation and padding of a convolution or pooling window. */
export function windowAttributes(
  call: LayerCall,
  kernel: readonly number[],
  stride: readonly number[] = perAxis(call, 'strides'),
): Record<string, OnnxAttribute> {
  const dilation = perAxis(call, 'dilation_rate')
  const padding = String(call.layer.config.padding ?? 'valid').toLowerCase()
  if (padding !== 'valid' && padding !== 'same') throw layerError(call, `padding ${padding}`, 'valid or same')
  const total = kernel.map((length, axis) => (length - 1) * dilation[axis]!)
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    ...(dilation.some((step) => step > 1) ? { dilations: { ints: dilation } } : {}),
    ...(padding === 'valid'
      ? {}
      : // With a stride, how much is padded depends on the input's length.
        stride.some((step) => step > 1)
        ? { auto_pad: { string: 'SAME_UPPER' } }
        : {
            pads: {
              ints: [...total.map((sum) => Math.floor(sum / 2)), ...total.map((sum) => Math.ceil(sum / 2))],
            },
          }),
  }
}

/** The layer's bias as a further input, where it has one. */
function biasOf(call: LayerCall): string[] {
  return call.layer.config.use_bias === false ? [] : [constantOf(call, 'bias', call.weights('bias'))]
}

/** `[*K, in, out]` as `[out, in, *K]`. */
function planarKernel(kernel: StoredWeight): StoredWeight {
  const last = kernel.shape.length - 1
  return permuted(kernel, [last, last - 1, ...Array.from({ length: last - 1 }, (_, axis) => axis)])
}

/** `[*K, in, multiplier]` as `[in · multiplier, 1, *K]`, one group for each input channel. */
function depthwiseKernel(kernel: StoredWeight): StoredWeight {
  const last = kernel.shape.length - 1
  const { shape, data } = permuted(kernel, [
    last - 1,
    last,
    ...Array.from({ length: last - 1 }, (_, axis) => axis),
  ])
  return { shape: [shape[0]! * shape[1]!, 1, ...shape.slice(2)], data }
}

const emitConvolution: EmitLayer = (call) => {
  const kernel = planarKernel(call.weights('kernel'))
  const [channels, , ...size] = kernel.shape
  const group = Number(call.layer.config.groups ?? 1)
  const attributes = { ...windowAttributes(call, size), ...(group > 1 ? { group: { int: group } } : {}) }
  const { name, axes } = inputOf(call)
  const inputs = [name, constantOf(call, 'kernel', kernel), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, attributes, { axes, channels: channels! })
}

const emitDepthwise: EmitLayer = (call) => {
  const kernel = depthwiseKernel(call.weights('depthwise_kernel'))
  const { name, axes, channels } = inputOf(call)
  const attributes = { ...windowAttributes(call, kernel.shape.slice(2)), group: { int: channels } }
  const inputs = [name, constantOf(call, 'depthwise_kernel', kernel), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, attributes, { axes, channels: kernel.shape[0]! })
}

const emitSeparable: EmitLayer = (call) => {
  const { graph } = call
  const { name, axes, channels } = inputOf(call)
  const kernel = depthwiseKernel(call.weights('depthwise_kernel'))
  const attributes = { ...windowAttributes(call, kernel.shape.slice(2)), group: { int: channels } }
  const depthwise = graph.operator('Conv', [name, constantOf(call, 'depthwise_kernel', kernel)], attributes)
  const pointwise = planarKernel(call.weights('pointwise_kernel'))
  const inputs = [depthwise, constantOf(call, 'pointwise_kernel', pointwise), ...biasOf(call)]
  return emitActivated(call, 'Conv', inputs, {}, { axes, channels: pointwise.shape[0]! })
}

const emitTransposed: EmitLayer = (call) => {
  const stored = call.weights('kernel')
  const last = stored.shape.length - 1
  // [*K, out, in] as [in, out, *K].
  const kernel = permuted(stored, [last, last - 1, ...Array.from({ length: last - 1 }, (_, axis) => axis)])
  const [, channels, ...size] = kernel.shape
  const stride = perAxis(call, 'strides')
  const excess = size.map((length, axis) => Math.max(length - stride[axis]!, 0))
  const same = String(call.layer.config.padding).toLowerCase() === 'same'
  const attributes = {
    kernel_shape: { ints: size },
    strides: { ints: stride },
    output_padding: { ints: size.map((length, axis) => Math.max(stride[axis]! - length, 0)) },
    pads: {
      ints: [...excess.map((sum) => Math.floor(sum / 2)), ...excess.map((sum) => Math.ceil(sum / 2))].map(
        (pad) => (same ? pad : 0),
      ),
    },
  }
  const { name, axes } = inputOf(call)
  const inputs = [name, constantOf(call, 'kernel', kernel), ...biasOf(call)]
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
  SeparableConv2D: emitSeparable,
  Conv2DTranspose: emitTransposed,
  Conv3DTranspose: emitTransposed,
  Dense: emitDense,
}

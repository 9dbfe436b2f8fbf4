// Windows of convolutions and pools as ONNX's attributes. `same` is TensorFlow's: output size = ⌈input / stride⌉, the odd
// zero behind.
import type { OnnxAttribute } from './protobuf/onnx-model'

/** Lengths along each spatial axis. */
export interface Window {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  /** 1 unless given; above 1 only where the stride is 1. */
  readonly dilation?: readonly number[]
  readonly same: boolean
}

/** Attributes of Conv. */
export function windowAttributes({ kernel, stride, dilation, same }: Window): Record<string, OnnxAttribute> {
  const dilated = dilation?.some((step) => step > 1) ? { dilations: { ints: dilation } } : {}
  const attributes = { kernel_shape: { ints: kernel }, strides: { ints: stride }, ...dilated }
  if (!same) return attributes
  // With a stride, how much is padded depends on the input's length.
  if (stride.some((step) => step > 1)) return { ...attributes, auto_pad: { string: 'SAME_UPPER' } }
  return { ...attributes, pads: pads(kernel.map((length, axis) => (length - 1) * (dilation?.[axis] ?? 1))) }
}

/** What {@link poolAttributes} takes. */
export const POOLS = 'no stride larger than its window, with padding to the same size'

/**
 * Attributes of MaxPool and AveragePool; none for windows smaller than their stride with `same`, which ONNX Runtime pads by less
 * than nothing.
 *
 * Padding is not written in numbers: to such ONNX Runtime adds the zeros of a Pad before it, of which MaxPool knows nothing then.
 */
export function poolAttributes({ kernel, stride, same }: Window): Record<string, OnnxAttribute> | undefined {
  const attributes = { kernel_shape: { ints: kernel }, strides: { ints: stride } }
  if (!same || kernel.every((length) => length === 1)) return { ...attributes, auto_pad: { string: 'VALID' } }
  if (stride.some((step, axis) => step > kernel[axis]!)) return undefined
  return { ...attributes, auto_pad: { string: 'SAME_UPPER' } }
}

/** Attributes of ConvTranspose; `same`: output size = input · stride. */
export function transposedWindowAttributes({ kernel, stride, same }: Window): Record<string, OnnxAttribute> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    pads: pads(kernel.map((length, axis) => (same ? Math.max(length - stride[axis]!, 0) : 0))),
    output_padding: { ints: kernel.map((length, axis) => Math.max(stride[axis]! - length, 0)) },
  }
}

function pads(total: readonly number[]): OnnxAttribute {
  return { ints: [...total.map((sum) => Math.floor(sum / 2)), ...total.map((sum) => Math.ceil(sum / 2))] }
}

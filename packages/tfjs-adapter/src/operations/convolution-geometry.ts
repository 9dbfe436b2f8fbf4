// The numbers of a convolution that its kernels need, from the attributes that TF.js gives them.
import { ModelError } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'

/** Arrays have one entry for each spatial axis. */
export interface ConvolutionGeometry {
  readonly inputSize: readonly number[]
  readonly outputSize: readonly number[]
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly padBefore: readonly number[]
}

/**
 * @param attributes of Conv2D, FusedConv2D, Conv2DBackpropFilter or Conv2DBackpropInput. Throws {@link ModelError} where channels
 * come first.
 */
export function geometry2d(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Pick<tf.Conv2DAttrs, 'strides' | 'pad' | 'dimRoundingMode'> &
    Partial<Pick<tf.Conv2DAttrs, 'dilations' | 'dataFormat'>>,
): ConvolutionGeometry {
  if (attributes.dataFormat === 'NCHW') {
    throw new ModelError('2D convolution', {
      found: "data format 'NCHW'",
      expected: "'NHWC': images with channels last",
      remedy: 'Transpose the images to [N, H, W, channels]',
    })
  }
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    attributes.dimRoundingMode,
  )
  return {
    inputSize: [info.inHeight, info.inWidth],
    outputSize: [info.outHeight, info.outWidth],
    kernel: [info.filterHeight, info.filterWidth],
    stride: [info.strideHeight, info.strideWidth],
    dilation: [info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.top, info.padInfo.left],
  }
}

/** @param attributes of Conv3D, Conv3DBackpropFilterV2, Conv3DBackpropInputV2 or a pool, channels last. */
export function geometry3d(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Pick<tf.Conv3DAttrs, 'strides' | 'pad'> &
    Partial<Pick<tf.Conv3DAttrs, 'dilations'> & Pick<tf.MaxPool3DAttrs, 'dimRoundingMode'>>,
): ConvolutionGeometry {
  const info = tf.backend_util.computeConv3DInfo(
    inputShape as [number, number, number, number, number],
    filterShape as [number, number, number, number, number],
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    false,
    'channelsLast',
    attributes.dimRoundingMode,
  )
  const { front, top, left } = info.padInfo
  return {
    inputSize: [info.inDepth, info.inHeight, info.inWidth],
    outputSize: [info.outDepth, info.outHeight, info.outWidth],
    kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
    stride: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilation: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    // TF.js' fall below zero where a stride exceeds the kernel; those of 2D, and TensorFlow's, do not.
    padBefore: [front, top, left].map((padding) => Math.max(padding, 0)),
  }
}

/** The geometry of a convolution kernel's attributes, in 2D or 3D by the length of the shapes. */
export function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: unknown,
): ConvolutionGeometry {
  return filterShape.length === 4
    ? geometry2d(inputShape, filterShape, attributes as tf.Conv2DAttrs)
    : geometry3d(inputShape, filterShape, attributes as tf.Conv3DAttrs)
}

/** Zeros before and after the input that the convolution reads, along each axis. */
export function forwardPadding(geometry: ConvolutionGeometry): [before: number, after: number][] {
  const { inputSize, outputSize, kernel, stride, dilation, padBefore } = geometry
  return inputSize.map((size, axis) => {
    const window = (kernel[axis]! - 1) * dilation[axis]! + 1
    const reach = (outputSize[axis]! - 1) * stride[axis]! + window
    return [padBefore[axis]!, Math.max(reach - size - padBefore[axis]!, 0)]
  })
}

/** A pool's geometry, in 2D or 3D by the length of its input's shape: that of a convolution of one channel. */
export function poolGeometry(
  shape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: tf.MaxPoolGradAttrs | tf.MaxPool3DGradAttrs,
): ConvolutionGeometry {
  const axes = shape.length - 2
  const filter = [...perAxis(filterSize, axes), shape.at(-1)!, 1]
  const attributes = {
    strides: perAxis(strides, axes) as never,
    pad: pad as 'same' | 'valid',
    ...(dimRoundingMode ? { dimRoundingMode } : {}),
  }
  return (axes === 2 ? geometry2d : geometry3d)(shape, filter, attributes)
}

function perAxis(value: number | number[], axes: number): number[] {
  return Array.isArray(value) ? value : Array(axes).fill(value)
}

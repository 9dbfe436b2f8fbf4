// Layers of TF.js that compute something else than they say, or nothing: right, under class names of our own, so that a
// saved model comes back as what it was.
import * as tf from '@tensorflow/tfjs-core'
import { layers, type Shape } from '@tensorflow/tfjs-layers'
import { convolveDilated, dilatedWindow } from './dilated-call'

type LayerClass = typeof layers.Layer

// TF.js exports functions that make layers, but not their classes. A name, so that none is taken from those that TF.js counts.
const name = 'class'
const DepthwiseConv2D = layers.depthwiseConv2d({ kernelSize: 1, name }).constructor as unknown as LayerClass
const BatchNormalization = layers.batchNormalization({ name }).constructor as unknown as LayerClass

/** A depthwise convolution with the dilation that it has in Keras: TF.js ignores it. */
export class DilatedDepthwiseLayer extends DepthwiseConv2D {
  static className = 'StochsegDilatedDepthwise'

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return convolveDilated(this, inputs, (x, [kernel], stride) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride as [number, number], 'valid'),
    )
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const { kernel, stride, dilation, padding } = dilatedWindow(this)
    const [batch, ...sizes] = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape
    const output = kernel.map((length, axis) => {
      const size = sizes[axis]
      if (size === null || size === undefined) return null
      const reach = padding === 'same' ? 0 : (length - 1) * dilation[axis]!
      return Math.ceil((size - reach) / stride[axis]!)
    })
    return [batch!, ...output, sizes.at(-1)! * Number(this.getConfig().depthMultiplier ?? 1)]
  }
}

/** Batch normalisation of volumes, which TF.js lacks, and without scale or centre, where TF.js throws in training. */
export class RepairedBatchNormalization extends BatchNormalization {
  static className = 'StochsegRepairedBatchNormalization'

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: object): tf.Tensor {
    return tf.tidy(() => {
      const x = [inputs].flat()[0]!
      const self = this as unknown as { axis: number; gamma?: Constant | null; beta?: Constant | null }
      self.gamma ??= { read: () => tf.ones([x.shape.at(-1)!]) }
      self.beta ??= { read: () => tf.zeros([x.shape.at(-1)!]) }
      if (x.rank < 5) return super.call(x, kwargs) as tf.Tensor
      // The last axis, whatever the rank.
      self.axis = -1
      const [batch, depth, height, width, channels] = x.shape as [number, number, number, number, number]
      const flat = tf.reshape(x, [batch, depth * height, width, channels])
      return tf.reshape(super.call(flat, kwargs) as tf.Tensor, x.shape)
    })
  }
}

interface Constant {
  read(): tf.Tensor
}

/**
 * Repairs a layer in place: it becomes one of the classes here where it has to, and keeps its weights.
 *
 * @param options.depthwiseDilation whether dilated depthwise convolutions are dilated.
 */
export function repairLayer(layer: layers.Layer, options: { readonly depthwiseDilation: boolean }): void {
  const repaired = repairedClass(layer, options.depthwiseDilation)
  if (repaired) Object.setPrototypeOf(layer, repaired.prototype)
  if (layer.getClassName() === 'PReLU') freeSharedAxes(layer)
  if (layer.getClassName() === 'SeparableConv2D') saveMultiplier(layer)
  if (layer.getClassName() === 'LayerNormalization') completeNormalisation(layer)
}

interface NormalisationLayer {
  readonly axis: readonly number[]
  readonly scale: boolean
  readonly center: boolean
}

/** Layer normalisation without scale or centre, whose gradient TF.js lacks, with ones and zeros in their place. */
function completeNormalisation(layer: layers.Layer): void {
  const { axis, scale, center } = layer as unknown as NormalisationLayer
  if (scale && center) return
  const { call } = Object.getPrototypeOf(layer) as layers.Layer
  layer.call = (inputs, kwargs) =>
    tf.tidy(() => {
      const { shape } = [inputs].flat()[0]!
      const normalised = axis.map((index) => shape[index]!)
      const constant = (value: number): PropertyDescriptor => {
        return { value: { read: () => tf.fill(normalised, value) } satisfies Constant }
      }
      const complete: layers.Layer = Object.create(layer, {
        ...(scale ? {} : { scale: { value: true }, gamma: constant(1) }),
        ...(center ? {} : { center: { value: true }, beta: constant(0) }),
      })
      return call.call(complete, inputs, kwargs)
    })
}

/** TF.js leaves the number of depthwise kernels a channel out of what it saves, and cannot load the layer then. */
function saveMultiplier(layer: layers.Layer): void {
  const { depthMultiplier } = layer as unknown as { readonly depthMultiplier: number }
  const { getConfig } = Object.getPrototypeOf(layer) as layers.Layer
  layer.getConfig = () => ({ ...getConfig.call(layer), depthMultiplier })
}

/** Slopes that are shared along an axis fit any length of it; TF.js insists on the one that it was built for. */
function freeSharedAxes(layer: layers.Layer): void {
  const shared = (layer.getConfig().sharedAxes ?? []) as number[]
  for (const { axes } of layer.inputSpec) {
    for (const axis of shared) delete axes?.[axis]
  }
}

function repairedClass(layer: layers.Layer, depthwiseDilation: boolean): LayerClass | undefined {
  if (isDilatedDepthwise(layer)) return depthwiseDilation ? DilatedDepthwiseLayer : undefined
  if (layer.getClassName() !== 'BatchNormalization') return undefined
  const { axis, scale, center } = layer.getConfig()
  const rank = layer.inboundNodes[0]!.inputTensors[0]!.rank
  const last = [-1, rank - 1].includes(Number(axis))
  return last && (rank === 5 || scale === false || center === false) ? RepairedBatchNormalization : undefined
}

/** Whether TF.js ignores the dilation of this layer. */
export function isDilatedDepthwise(layer: layers.Layer): boolean {
  return layer.getClassName() === 'DepthwiseConv2D' && dilatedWindow(layer).dilation.some((step) => step > 1)
}

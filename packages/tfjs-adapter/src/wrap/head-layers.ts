// The stochastic head on a cut network: layers like its last convolution, so that sizes stay what they were.
import { headOutputs } from '@stochseg/backbones'
import { ModelError, type SsnHead, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers'
import type { Cut } from './cut'
import { layerLike } from './layer-like'

/** How a head starts. */
export interface HeadStart {
  readonly seed: number
  readonly logDiagonalBias: number
  readonly factorScale: number
  /** Whether the old convolution gives the mean; false to let it start anew. */
  readonly keepMean: boolean
}

/** Tells these normals from those of initial weights and of generated data. */
const PLANE = 3

/**
 * `head.mean` and, by the head's kind, `head.logDiagonal` and `head.factor`: layers of the last convolution's kernel, stride
 * and padding, or of kernel 1 where the network was cut at a named layer.
 *
 * The mean starts with the old convolution's weights. One logit for two classes becomes (0, logit): the sigmoid's
 * probabilities are the softmax's. Throws {@link ModelError} where the number of classes is another.
 */
export function headLayers(cut: Cut, head: SsnHead, start: HeadStart): SymbolicTensor[] {
  return headOutputs(head).map(({ name, channels }, index) => {
    const layer = likeConvolution(cut, `head.${name}`, channels)
    const output = layer.apply(cut.features) as SymbolicTensor
    if (name === 'mean' && cut.convolution && start.keepMean) {
      tf.tidy(() => layer.setWeights(meanWeights(cut, cut.convolution!, channels)))
    } else {
      // A log-diagonal that followed large features would give enormous variances.
      const scale = { mean: 1, logDiagonal: 0, factor: start.factorScale }[name]
      const bias = name === 'logDiagonal' ? start.logDiagonalBias : 0
      tf.tidy(() => layer.setWeights(newWeights(layer, { seed: start.seed, stream: index, scale, bias })))
    }
    return cut.resizing.reduce<SymbolicTensor>(
      (tensor, resize) => resize.apply(tensor) as SymbolicTensor,
      output,
    )
  })
}

function likeConvolution({ convolution, features }: Cut, name: string, channels: number): layers.Layer {
  if (convolution) {
    const size = convolution.getClassName() === 'Dense' ? { units: channels } : { filters: channels }
    // Of a frozen network, too, the head learns.
    return layerLike(convolution, { ...size, name, activation: 'linear', useBias: true, trainable: true })
  }
  const config = { name, filters: channels, kernelSize: 1, kernelInitializer: 'zeros' as const }
  return features.shape.length === 4 ? layers.conv2d(config) : layers.conv3d(config)
}

/** The old convolution's weights for `channels` classes; a bias of 0 where it had none. */
function meanWeights({ normalisation }: Cut, convolution: layers.Layer, channels: number): tf.Tensor[] {
  const config = convolution.getConfig()
  const classes = Number(config.filters ?? config.units)
  const hasBias = config.useBias !== false
  const old = convolution.getWeights()
  const kernels = hasBias ? old.slice(0, -1) : old
  const last = outputsLast(convolution, kernels.at(-1)!)
  const [kernel, bias] = normalised(last, hasBias ? old.at(-1)! : tf.zeros([classes]), normalisation)
  const weights = (kernel: tf.Tensor, bias: tf.Tensor): tf.Tensor[] => {
    return [...kernels.slice(0, -1), outputsLast(convolution, kernel), bias]
  }
  if (classes === channels) return weights(kernel, bias)
  if (classes === 1 && channels === 2) {
    return weights(tf.concat([tf.zerosLike(kernel), kernel], -1), tf.concat([tf.zerosLike(bias), bias]))
  }
  throw new ModelError(`layer '${convolution.name}'`, {
    found: `${classes} classes`,
    expected: `${channels}, as asked for`,
    remedy: `Ask for ${classes} classes, or let the mean start anew with the option keepMean: false`,
  })
}

/** A kernel with its outputs along the last axis, or back: a transposed convolution has them before its inputs. */
function outputsLast(convolution: layers.Layer, kernel: tf.Tensor): tf.Tensor {
  if (!convolution.getClassName().endsWith('Transpose')) return kernel
  const axes = kernel.shape.map((_, axis) => axis)
  return tf.transpose(kernel, [...axes.slice(0, -2), kernel.rank - 1, kernel.rank - 2])
}

/** Kernel and bias with the normalisation of what they give, as in inference, folded in. */
function normalised(
  kernel: tf.Tensor,
  bias: tf.Tensor,
  normalisation: layers.Layer | undefined,
): [kernel: tf.Tensor, bias: tf.Tensor] {
  if (!normalisation) return [kernel, bias]
  const { scale, center, epsilon } = normalisation.getConfig()
  const weights = normalisation.getWeights()
  const [mean, variance] = weights.slice(-2) as [tf.Tensor, tf.Tensor]
  const deviation = tf.sqrt(tf.add(variance, Number(epsilon)))
  const factor = scale === false ? tf.div(1, deviation) : tf.div(weights[0]!, deviation)
  const shift = center === false ? 0 : weights.at(-3)!
  return [tf.mul(kernel, factor), tf.add(tf.mul(tf.sub(bias, mean), factor), shift)]
}

/** He-normal kernels (He et al. 2015), the last times `scale`, and a constant bias. */
function newWeights(
  layer: layers.Layer,
  { seed, stream, scale, bias }: { seed: number; stream: number; scale: number; bias: number },
): tf.Tensor[] {
  const weights = layer.getWeights()
  return weights.map((weight, index) => {
    if (weight.rank === 1) return tf.fill(weight.shape, bias)
    // A transposed convolution lists its channels the other way round.
    const outputs = weight.shape.at(layer.getClassName().endsWith('Transpose') ? -2 : -1)!
    const isLast = index === weights.length - 2
    const deviation = (isLast ? scale : 1) * Math.sqrt((2 * outputs) / weight.size)
    const normals = standardNormals(weight.size, { seed, stream: 16 * stream + index, plane: PLANE })
    return tf.mul(tf.tensor(normals, weight.shape), deviation)
  })
}

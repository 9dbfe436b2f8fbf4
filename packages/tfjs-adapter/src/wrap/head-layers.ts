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
      tf.tidy(() => layer.setWeights(meanWeights(cut.convolution!, channels)))
    } else {
      const scale = name === 'factor' ? start.factorScale : 1
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
    return layerLike(convolution, { ...size, name, activation: 'linear', useBias: true })
  }
  const config = { name, filters: channels, kernelSize: 1, kernelInitializer: 'zeros' as const }
  return features.shape.length === 4 ? layers.conv2d(config) : layers.conv3d(config)
}

/** The old convolution's weights for `channels` classes; a bias of 0 where it had none. */
function meanWeights(convolution: layers.Layer, channels: number): tf.Tensor[] {
  const config = convolution.getConfig()
  const classes = Number(config.filters ?? config.units)
  const bias = config.useBias === false ? tf.zeros([classes]) : convolution.getWeights().at(-1)!
  const kernels = convolution.getWeights().slice(0, config.useBias === false ? undefined : -1)
  if (classes === channels) return [...kernels, bias]
  const axis = convolution.getClassName().endsWith('Transpose') ? -2 : -1
  if (classes === 1 && channels === 2) {
    const last = kernels.at(-1)!
    const wider = tf.concat([tf.zerosLike(last), last], last.rank + axis)
    return [...kernels.slice(0, -1), wider, tf.concat([tf.zerosLike(bias), bias])]
  }
  throw new ModelError(`layer '${convolution.name}'`, {
    found: `${classes} classes`,
    expected: `${channels}, as asked for`,
    remedy: `Ask for ${classes} classes, or let the mean start anew with the option keepMean: false`,
  })
}

/** He-normal kernels (He et al. 2015) times `scale`, and a constant bias. */
function newWeights(
  layer: layers.Layer,
  { seed, stream, scale, bias }: { seed: number; stream: number; scale: number; bias: number },
): tf.Tensor[] {
  const weights = layer.getWeights()
  return weights.map((weight, index) => {
    if (weight.rank === 1) return tf.fill(weight.shape, bias)
    // A transposed convolution lists its channels the other way round.
    const outputs = weight.shape.at(layer.getClassName().endsWith('Transpose') ? -2 : -1)!
    const deviation = scale * Math.sqrt((2 * outputs) / weight.size)
    const normals = standardNormals(weight.size, { seed, stream: 16 * stream + index, plane: PLANE })
    return tf.mul(tf.tensor(normals, weight.shape), deviation)
  })
}

// The loss where the tensors are: nothing is downloaded but its value, and no tensor grows with the number of samples.
import type { SsnHead } from '@stochseg/core'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import type { HeadOutputs, Loss, LossInputs } from '../loss'
import { isMeanOnly } from '../loss'
import {
  BLOCK,
  factorNoiseWgsl,
  gradientWidth,
  logLikelihoodWgsl,
  lossGradientWgsl,
  type MonteCarloSizes,
  quadsOf,
} from './monte-carlo-wgsl'
import { runShader, type Shader } from './shader'

/** The same loss as `streamingLoss`, of the same samples, for tensors of the webgpu backend. */
export const onDeviceLoss: Loss = (head, outputs, inputs) =>
  tf.tidy(() => {
    const { samples, antithetic = false, meanLossWeight = 0, diagonalLossWeight = 0 } = inputs
    const { mean, logDiagonal, factor } = outputs
    const labels = observed(inputs)
    const term = (read: HeadOutputs, drawn: Pick<MonteCarloSizes, 'samples' | 'antithetic'>): tf.Tensor =>
      monteCarlo(head, read, labels, inputs, drawn)
    const meanTerm = (): tf.Tensor => term({ mean }, { samples: 1, antithetic: false })
    if (isMeanOnly(head, inputs)) return meanTerm() as tf.Scalar
    const drawn = { samples, antithetic }
    const independent = { mean, ...(logDiagonal && { logDiagonal }) }
    let loss = term({ ...independent, ...(factor && { factor }) }, drawn)
    if (diagonalLossWeight > 0) loss = tf.add(loss, tf.mul(diagonalLossWeight, term(independent, drawn)))
    if (meanLossWeight > 0) loss = tf.add(loss, tf.mul(meanLossWeight, meanTerm()))
    return loss as tf.Scalar
  })

/** Labels `[N · V]`, −1 outside the region. */
function observed({ labels, roi }: LossInputs): tf.Tensor1D {
  return tf.tensor1d(
    Int32Array.from(labels, (label, voxel) => (roi?.[voxel] === 0 ? -1 : label)),
    'int32',
  )
}

/** Eq. 7 as the mean over the batch, of as much of the distribution as is given. */
function monteCarlo(
  head: SsnHead,
  { mean, logDiagonal, factor }: HeadOutputs,
  labels: tf.Tensor1D,
  { seed, stream, classWeights }: LossInputs,
  drawn: Pick<MonteCarloSizes, 'samples' | 'antithetic'>,
): tf.Tensor {
  const batch = mean.shape[0]!
  const sizes: MonteCarloSizes = {
    ...drawn,
    batch,
    voxels: labels.size / batch,
    classes: head.classes,
    rank: factor ? head.rank : 0,
    epsilon: logDiagonal && head.epsilon,
    classWeights,
  }
  const quads = quadsOf(sizes)
  const blocks = Math.ceil(sizes.voxels / BLOCK)
  const uniforms = {
    key: { type: 'u32', data: [seed >>> 0, Math.floor(seed / 2 ** 32)] },
    stream: { type: 'u32', data: [stream >>> 0] },
  }
  const run = (shader: Omit<Shader, 'uniforms'>): tf.Tensor =>
    tf.engine().makeTensorFromTensorInfo(runShader(tf.backend() as WebGPUBackend, { ...shader, uniforms }))

  const operation = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc
    const [meanValues, logDiagonalValues, factorValues] = args as tf.Tensor[]
    const z =
      sizes.rank > 0
        ? run({
            inputs: {},
            shape: [batch, sizes.rank, quads, 4],
            groups: Math.ceil((batch * sizes.rank * quads) / 64),
            code: factorNoiseWgsl(sizes),
          })
        : undefined
    const inputs = {
      mean: meanValues!,
      labels,
      ...(logDiagonalValues && { log_diagonal: logDiagonalValues }),
      ...(factorValues && { factor: factorValues, z: z! }),
    }
    const partial = run({
      inputs,
      quads: ['z'],
      shape: [batch, blocks, quads * 4],
      groups: batch * blocks * quads,
      code: logLikelihoodWgsl(sizes),
    })
    const logLikelihoods = tf.slice(tf.sum(partial, 1), [0, 0], [batch, sizes.samples]) as tf.Tensor2D
    const weights = tf.pad(tf.div(tf.softmax(logLikelihoods), batch), [
      [0, 0],
      [0, quads * 4 - sizes.samples],
    ])
    const gradients = run({
      inputs: { ...inputs, weights },
      quads: ['z', 'weights'],
      shape: [batch * sizes.voxels, gradientWidth(sizes)],
      groups: Math.ceil((batch * sizes.voxels) / 64),
      code: lossGradientWgsl(sizes),
    })
    const widths = (args as tf.Tensor[]).map((tensor) => tensor.shape.at(-1)!)
    save(
      tf.split(gradients, widths, 1).map((part, index) => tf.reshape(part, (args[index] as tf.Tensor).shape)),
    )
    return {
      value: tf.sub(Math.log(sizes.samples), tf.mean(tf.logSumExp(logLikelihoods, 1))),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy)),
    }
  })
  const read = [mean, ...(logDiagonal ? [logDiagonal] : []), ...(factor ? [factor] : [])]
  return operation(...read)
}

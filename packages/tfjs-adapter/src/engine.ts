// TF.js under the Trainer: one network, its forward and backward pass, its optimiser.
import {
  type BatchLabels,
  centreLabels,
  checkLabels,
  DETERMINISTIC_VARIANCE,
  type EngineState,
  type LogitDistribution,
  logitDistribution,
  ModelError,
  ShapeError,
  type StepOptions,
  type TrainingBatch,
  type TrainingEngine,
  voxelCount,
  type Weights,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { Adam, type AdamOptions } from './adam'
import { type Loss, streamingLoss } from './loss'
import { fromTfjsLayout, getWeights, type ModelParameter, setWeights, toTfjsLayout } from './model-weights'
import { fromPlanar, toPlanar } from './planar'
import type { TrainableNetwork } from './trainable-network'

/** A {@link TrainingEngine} on the current TF.js backend. */
export class TfjsEngine implements TrainingEngine {
  private readonly adam: Adam

  constructor(
    readonly name: string,
    private readonly network: TrainableNetwork,
    options: AdamOptions = {},
    private readonly loss: Loss = streamingLoss,
  ) {
    this.adam = new Adam(options)
  }

  /**
   * Where the network's output is smaller than the image, the middle of labels and region counts.
   *
   * Where the loss is not finite, nothing is updated but the running estimates of batch normalisation; where the region
   * leaves out every voxel, the loss is 0 and nothing is updated at all. (A loss of 0 by itself is no error: in float32 the
   * log-probability of a label that leads by 17 nats is 0.)
   *
   * Throws `ShapeError` for sizes that do not fit, and `ValueError` for a label inside the region that is no class.
   */
  async step(batch: TrainingBatch, options: StepOptions): Promise<number> {
    this.checkImages(batch.images, batch.batch, batch.spatial)
    const labels = this.outputLabels(batch)
    if (labels.roi?.every((inside) => inside === 0)) return 0
    const { head, parameters } = this.network
    const trainable = parameters.filter((parameter) => parameter.trainable)
    const { value, grads } = tf.variableGrads(
      () => {
        const images = this.imageTensor(batch.images, batch.batch, batch.spatial)
        return this.loss(head, this.network.forward(images, options), { ...labels, ...options })
      },
      trainable.map(({ variable }) => variable),
    )
    try {
      const loss = (await value.data())[0]!
      if (Number.isFinite(loss)) await this.update(trainable, grads, options.learningRate)
      return loss
    } finally {
      tf.dispose([value, grads])
    }
  }

  async predict(images: Float32Array, batch: number, spatial: readonly number[]): Promise<LogitDistribution> {
    this.checkImages(images, batch, spatial)
    const { kind, classes, rank, epsilon } = this.network.head
    const outputs = tf.tidy(() => {
      const { mean, logDiagonal, factor } = this.network.forward(this.imageTensor(images, batch, spatial))
      return {
        mean: toPlanar(mean),
        ...(logDiagonal ? { diagonal: toPlanar(tf.add(tf.exp(logDiagonal), epsilon)) } : {}),
        ...(factor ? { factor: toPlanar(factor) } : {}),
      }
    })
    const read = async (tensor: tf.Tensor): Promise<Float32Array> => (await tensor.data()) as Float32Array
    try {
      const mean = await read(outputs.mean)
      return logitDistribution({
        batch,
        classes,
        rank: kind === 'low-rank' ? rank : 0,
        spatial: outputs.mean.shape.slice(2),
        mean,
        factor: outputs.factor ? await read(outputs.factor) : new Float32Array(0),
        diagonal: outputs.diagonal
          ? await read(outputs.diagonal)
          : new Float32Array(mean.length).fill(DETERMINISTIC_VARIANCE),
      })
    } finally {
      tf.dispose(outputs)
    }
  }

  async exportState(): Promise<EngineState> {
    const optimizer = new Map<string, { shape: readonly number[]; data: Float32Array }>()
    for (const { name, shape } of this.network.parameters) {
      const moments = this.adam.moments(name)
      if (!moments) continue
      optimizer.set(`${name}.adam.first`, { shape, data: fromTfjsLayout(moments.first, shape) })
      optimizer.set(`${name}.adam.second`, { shape, data: fromTfjsLayout(moments.second, shape) })
      optimizer.set(`${name}.adam.step`, { shape: [1], data: Float32Array.of(moments.step) })
    }
    return { weights: await getWeights(this.network.parameters), optimizer }
  }

  async importState({ weights, optimizer }: EngineState): Promise<void> {
    const moments = this.network.parameters.flatMap(({ name, shape }) => {
      const step = optimizer.get(`${name}.adam.step`)?.data[0]
      if (step === undefined) return []
      const read = (part: string): Float32Array =>
        toTfjsLayout(momentOf(optimizer, `${name}.adam.${part}`, shape), shape)
      return [[name, { step, first: read('first'), second: read('second') }] as const]
    })
    if (moments.length * 3 !== optimizer.size) {
      throw new ModelError('optimiser state', {
        found: `${optimizer.size} arrays, of which ${moments.length * 3} belong to this network's parameters`,
        expected: 'three for each parameter that has moved: adam.first, adam.second, adam.step',
        remedy: 'Take the state of a run with the same network and optimiser',
      })
    }
    setWeights(this.network.parameters, weights)
    this.adam.reset(moments)
  }

  dispose(): void {
    this.network.dispose()
  }

  private async update(
    parameters: readonly ModelParameter[],
    gradients: tf.NamedTensorMap,
    learningRate: number,
  ): Promise<void> {
    for (const { name, variable } of parameters) {
      // The phase `mean` moves nothing of the head but its mean.
      const gradient = gradients[variable.name]
      if (!gradient) continue
      const [values, slopes] = (await Promise.all([variable.data(), gradient.data()])) as Float32Array[]
      this.adam.update(name, values!, slopes!, learningRate)
      tf.tidy(() => {
        variable.assign(tf.tensor(values!, variable.shape))
      })
    }
  }

  private outputLabels(batch: TrainingBatch): BatchLabels {
    const output = this.network.outputSize(batch.spatial)
    const { labels, roi } = centreLabels(batch, output)
    const sizes = { batch: batch.batch, classes: this.network.head.classes, voxels: voxelCount(output) }
    checkLabels(labels, sizes, roi)
    return { labels, ...(roi && { roi }) }
  }

  private imageTensor(images: Float32Array, batch: number, spatial: readonly number[]): tf.Tensor {
    return fromPlanar(images, [batch, this.network.channels, ...spatial])
  }

  private checkImages(images: Float32Array, batch: number, spatial: readonly number[]): void {
    const { channels } = this.network
    this.network.outputSize(spatial)
    if (images.length !== batch * channels * voxelCount(spatial)) {
      throw new ShapeError('images', {
        found: `${images.length} values`,
        expected: `[${[batch, channels, ...spatial]}], planar`,
        remedy: `The network reads ${channels} channels: give images of that many`,
      })
    }
  }
}

function momentOf(optimizer: Weights, name: string, shape: readonly number[]): Float32Array {
  const moment = optimizer.get(name)
  const expected = voxelCount(shape)
  if (moment?.data.length !== expected) {
    throw new ModelError(`optimiser state '${name}'`, {
      found: moment ? `${moment.data.length} values` : 'nothing',
      expected: `${expected} values, shape [${shape}]`,
      remedy: 'Take the state of a run with the same network and optimiser',
    })
  }
  return moment.data
}

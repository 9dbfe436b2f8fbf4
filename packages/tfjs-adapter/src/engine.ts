// TF.js under the Trainer: one network, its forward and backward pass, what moves its weights.
import {
  type BatchLabels,
  centreLabels,
  checkLabels,
  DETERMINISTIC_VARIANCE,
  type EngineState,
  type LogitDistribution,
  logitDistribution,
  Optimizer,
  type OptimizerOptions,
  optimizerState,
  optimizerWeights,
  ShapeError,
  type StepOptions,
  type StepResult,
  splitAverage,
  type TrainingBatch,
  type TrainingEngine,
  voxelCount,
  WeightAverage,
  withAverage,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { auxiliaryLoss } from './auxiliary-loss'
import { fromTfjsLayout, getWeights, setWeights, toTfjsLayout } from './model-weights'
import { onHost } from './on-host'
import { variableGradients } from './operations/variable-gradients'
import { fromPlanar, toPlanar } from './planar'
import type { TrainableNetwork } from './trainable-network'
import type { Placement, WeightUpdater } from './weight-updater'

/** A {@link TrainingEngine} on the TF.js backend that is current as it is made; each call makes it the current one again. */
export class TfjsEngine implements TrainingEngine {
  private readonly backend = tf.getBackend()
  readonly settings: Readonly<Record<string, string | number>>
  private readonly updater: WeightUpdater

  constructor(
    readonly name: string,
    private readonly network: TrainableNetwork,
    private readonly optimizer: OptimizerOptions = { name: 'adam' },
    private readonly placement: Placement = onHost,
  ) {
    this.updater = placement.updater(network.parameters, optimizer)
    this.settings = optimizerSettings(optimizer)
  }

  /**
   * Where the network's output is smaller than the image, the middle of labels and region counts. The loss includes that of
   * auxiliary heads.
   *
   * Where the loss or its gradient is not finite, nothing is updated but the running estimates of batch normalisation; where
   * the region leaves out every voxel, the loss is 0 and nothing is updated at all. (A loss of 0 by itself is no error: in
   * float32 the log-probability of a label that leads by 17 nats is 0.)
   *
   * Throws `ShapeError` for sizes that do not fit, and `ValueError` for a label inside the region that is no class.
   */
  async step(batch: TrainingBatch, options: StepOptions): Promise<StepResult> {
    await this.makeCurrent()
    this.checkImages(batch.images, batch.batch, batch.spatial)
    const labels = this.outputLabels(batch)
    if (labels.roi?.every((inside) => inside === 0)) return { loss: 0 }
    const { head, parameters } = this.network
    const { value, grads } = variableGradients(
      () => {
        const images = this.imageTensor(batch.images, batch.batch, batch.spatial)
        const outputs = this.network.forward(images, options)
        const inputs = { ...labels, ...options }
        const loss = this.placement.loss(head, outputs, inputs)
        const spatial = outputs.mean.shape.slice(1, -1)
        const auxiliary = auxiliaryLoss(head, outputs.auxiliary ?? [], inputs, spatial)
        return auxiliary ? tf.add(loss, auxiliary) : loss
      },
      parameters.filter(({ trainable }) => trainable).map(({ variable }) => variable),
    )
    try {
      // The phase `mean` moves nothing of the head but its mean: the rest has no gradient.
      return await this.updater.update(value, grads, options)
    } finally {
      tf.dispose([value, grads])
    }
  }

  async predict(images: Float32Array, batch: number, spatial: readonly number[]): Promise<LogitDistribution> {
    await this.makeCurrent()
    this.checkImages(images, batch, spatial)
    const { kind, classes, rank, epsilon } = this.network.head
    const outputs = tf.tidy(() => {
      const { mean, logDiagonal, factor } = this.withAverage(() =>
        this.network.forward(this.imageTensor(images, batch, spatial)),
      )
      return {
        mean: toPlanar(mean),
        ...(logDiagonal ? { diagonal: toPlanar(tf.add(tf.exp(logDiagonal), epsilon)) } : {}),
        ...(factor ? { factor: toPlanar(factor) } : {}),
      }
    })
    try {
      const mean = await valuesOf(outputs.mean)
      return logitDistribution({
        batch,
        classes,
        rank: kind === 'low-rank' ? rank : 0,
        spatial: outputs.mean.shape.slice(2),
        mean,
        factor: outputs.factor ? await valuesOf(outputs.factor) : new Float32Array(0),
        diagonal: outputs.diagonal
          ? await valuesOf(outputs.diagonal)
          : new Float32Array(mean.length).fill(DETERMINISTIC_VARIANCE),
      })
    } finally {
      tf.dispose(outputs)
    }
  }

  async exportState(): Promise<EngineState> {
    await this.makeCurrent()
    const { parameters } = this.network
    const { optimizer, average } = await this.updater.memory()
    const state = {
      weights: await getWeights(parameters),
      optimizer: optimizerWeights(optimizer, parameters, fromTfjsLayout),
    }
    return withAverage(state, average, fromTfjsLayout)
  }

  async importState(joined: EngineState): Promise<void> {
    await this.makeCurrent()
    const { parameters } = this.network
    const { state, averages } = splitAverage(joined, toTfjsLayout)
    const [optimizer, average] = [new Optimizer(this.optimizer), new WeightAverage()]
    optimizer.reset(optimizerState(optimizer, parameters, state.optimizer, toTfjsLayout))
    average.reset(averages)
    setWeights(parameters, state.weights)
    this.updater.remember({ optimizer, average })
  }

  dispose(): void {
    this.updater.dispose()
    this.network.dispose()
  }

  /** Another engine, or the user, may have made another backend the current one, to which TF.js would move what is used. */
  private async makeCurrent(): Promise<void> {
    if (tf.getBackend() !== this.backend) await tf.setBackend(this.backend)
  }

  /** What `forward` gives with the averaged weights, where an average is kept. */
  private withAverage<Result>(forward: () => Result): Result {
    const held = this.network.parameters.flatMap((parameter) => {
      const average = this.updater.average(parameter)
      const { variable } = parameter
      return average ? [{ variable, trained: variable.clone(), average }] : []
    })
    for (const { variable, average } of held) variable.assign(average)
    try {
      return forward()
    } finally {
      for (const { variable, trained } of held) variable.assign(trained)
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

async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array
}

/** What a run must agree on when it resumes; nothing for Adam as it is by default. */
function optimizerSettings(options: OptimizerOptions): Readonly<Record<string, string | number>> {
  const { name, ...rest } = options
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  if (name === 'adam' && given.length === 0) return {}
  return { optimizer: [name, ...given.sort().map(([key, value]) => `${key} ${value}`)].join(', ') }
}

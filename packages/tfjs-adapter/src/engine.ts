// TF.js under the Trainer: one network, its forward and backward pass, its optimiser.
import {
  type BatchLabels,
  centreLabels,
  checkLabels,
  clipGradients,
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
import { type Loss, streamingLoss } from './loss'
import { fromTfjsLayout, getWeights, type ModelParameter, setWeights, toTfjsLayout } from './model-weights'
import { fromPlanar, toPlanar } from './planar'
import type { TrainableNetwork } from './trainable-network'

/** A {@link TrainingEngine} on the current TF.js backend. */
export class TfjsEngine implements TrainingEngine {
  readonly settings: Readonly<Record<string, string | number>>
  private readonly optimizer: Optimizer
  private readonly average = new WeightAverage()

  constructor(
    readonly name: string,
    private readonly network: TrainableNetwork,
    optimizer: OptimizerOptions = { name: 'adam' },
    private readonly loss: Loss = streamingLoss,
  ) {
    this.optimizer = new Optimizer(optimizer)
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
    this.checkImages(batch.images, batch.batch, batch.spatial)
    const labels = this.outputLabels(batch)
    if (labels.roi?.every((inside) => inside === 0)) return { loss: 0 }
    const { head, parameters } = this.network
    const trainable = parameters.filter((parameter) => parameter.trainable)
    const { value, grads } = tf.variableGrads(
      () => {
        const images = this.imageTensor(batch.images, batch.batch, batch.spatial)
        const outputs = this.network.forward(images, options)
        const inputs = { ...labels, ...options }
        const loss = this.loss(head, outputs, inputs)
        const spatial = outputs.mean.shape.slice(1, -1)
        const auxiliary = auxiliaryLoss(head, outputs.auxiliary ?? [], inputs, spatial)
        return auxiliary ? tf.add(loss, auxiliary) : loss
      },
      trainable.map(({ variable }) => variable),
    )
    try {
      const loss = (await value.data())[0]!
      if (!Number.isFinite(loss)) return { loss }
      return { loss, gradientNorm: await this.update(trainable, grads, options) }
    } finally {
      tf.dispose([value, grads])
    }
  }

  async predict(images: Float32Array, batch: number, spatial: readonly number[]): Promise<LogitDistribution> {
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
    const { parameters } = this.network
    const optimizer = optimizerWeights(this.optimizer, parameters, fromTfjsLayout)
    return withAverage({ weights: await getWeights(parameters), optimizer }, this.average, fromTfjsLayout)
  }

  async importState(joined: EngineState): Promise<void> {
    const { parameters } = this.network
    const { state, averages } = splitAverage(joined, toTfjsLayout)
    const remembered = optimizerState(this.optimizer, parameters, state.optimizer, toTfjsLayout)
    setWeights(parameters, state.weights)
    this.optimizer.reset(remembered)
    this.average.reset(averages)
  }

  dispose(): void {
    this.network.dispose()
  }

  /** Gives the gradients' norm. Where it is not finite, nothing is updated. */
  private async update(
    parameters: readonly ModelParameter[],
    gradients: tf.NamedTensorMap,
    { learningRate, gradientClip, averageDecay }: StepOptions,
  ): Promise<number> {
    // The phase `mean` moves nothing of the head but its mean.
    const moving = parameters.filter(({ variable }) => gradients[variable.name])
    const slopes = await Promise.all(moving.map(({ variable }) => valuesOf(gradients[variable.name]!)))
    const norm = clipGradients(slopes, gradientClip)
    if (!Number.isFinite(norm)) return norm
    for (const [index, { name, variable }] of moving.entries()) {
      const values = await valuesOf(variable)
      this.optimizer.update(name, values, slopes[index]!, learningRate)
      assign(variable, values)
    }
    if (averageDecay === undefined) this.average.reset()
    else {
      for (const { name, variable } of this.network.parameters) {
        this.average.update(name, await valuesOf(variable), averageDecay)
      }
    }
    return norm
  }

  /** What `forward` gives with the averaged weights, where an average is kept. */
  private withAverage<Result>(forward: () => Result): Result {
    const held = this.network.parameters.flatMap(({ name, variable }) => {
      const average = this.average.state().get(name)
      return average ? [{ variable, trained: variable.clone(), average: average.values }] : []
    })
    for (const { variable, average } of held) assign(variable, average)
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

function assign(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => {
    variable.assign(tf.tensor(values, variable.shape))
  })
}

/** What a run must agree on when it resumes; nothing for Adam as it is by default. */
function optimizerSettings(options: OptimizerOptions): Readonly<Record<string, string | number>> {
  const { name, ...rest } = options
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  if (name === 'adam' && given.length === 0) return {}
  return { optimizer: [name, ...given.sort().map(([key, value]) => `${key} ${value}`)].join(', ') }
}

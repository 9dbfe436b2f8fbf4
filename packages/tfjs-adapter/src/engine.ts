// TF.js under the Trainer: one network, its forward and backward pass, its optimiser.
import { type Geometry, geometryOf, type NetworkSpec } from '@stochseg/backbones'
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
  type SsnHead,
  type StepOptions,
  type TrainingBatch,
  type TrainingEngine,
  voxelCount,
  type Weights,
} from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { Adam, type AdamOptions } from './adam'
import { buildModel } from './build'
import type { DropoutSource } from './dropout-source'
import { type HeadOutputs, type Loss, streamingLoss } from './loss'
import {
  fromTfjsLayout,
  type ModelParameter,
  modelParameters,
  modelWeights,
  setModelWeights,
  toTfjsLayout,
} from './model-weights'
import { fromPlanar, toPlanar } from './planar'

/** What an engine is made from. */
export interface EngineOptions extends AdamOptions {
  readonly spec: NetworkSpec
  readonly head: SsnHead
  readonly weights: Weights
}

/** A {@link TrainingEngine} on the current TF.js backend. */
export class TfjsEngine implements TrainingEngine {
  readonly name: string
  private readonly spec: NetworkSpec
  private readonly head: SsnHead
  private readonly geometry: Geometry
  private readonly dropout: DropoutSource = { seed: 0, stream: 0 }
  private readonly loss: Loss
  private readonly model: LayersModel
  private readonly parameters: readonly ModelParameter[]
  private readonly adam: Adam

  constructor(name: string, options: EngineOptions, loss: Loss = streamingLoss) {
    const { spec, head, weights } = options
    if (spec.inputs.length !== 1) {
      throw new ModelError(`network '${spec.name}'`, {
        found: `${spec.inputs.length} inputs`,
        expected: 'one',
        remedy: 'Cut further inputs out of one image inside the spec, with crop and slice nodes',
      })
    }
    this.name = name
    this.spec = spec
    this.head = head
    this.geometry = geometryOf(spec)
    this.loss = loss
    this.model = buildModel(spec, head, weights, this.dropout)
    this.parameters = modelParameters(this.model, spec, head)
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
    this.dropout.seed = options.seed
    this.dropout.stream = options.stream
    const trainable = this.parameters.filter((parameter) => parameter.trainable)
    const { value, grads } = tf.variableGrads(() => {
      const images = this.imageTensor(batch.images, batch.batch, batch.spatial)
      return this.loss(this.head, this.forward(images, true), { ...labels, ...options })
    }, trainable.map(variableOf))
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
    const { kind, classes, rank, epsilon } = this.head
    const outputs = tf.tidy(() => {
      const { mean, logDiagonal, factor } = this.forward(this.imageTensor(images, batch, spatial), false)
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
    for (const { name, shape } of this.parameters) {
      const moments = this.adam.moments(name)
      if (!moments) continue
      optimizer.set(`${name}.adam.first`, { shape, data: fromTfjsLayout(moments.first, shape) })
      optimizer.set(`${name}.adam.second`, { shape, data: fromTfjsLayout(moments.second, shape) })
      optimizer.set(`${name}.adam.step`, { shape: [1], data: Float32Array.of(moments.step) })
    }
    return { weights: await modelWeights(this.model, this.spec, this.head), optimizer }
  }

  async importState({ weights, optimizer }: EngineState): Promise<void> {
    const moments = this.parameters.flatMap(({ name, shape }) => {
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
    setModelWeights(this.model, this.spec, this.head, weights)
    this.adam.reset(moments)
  }

  dispose(): void {
    this.model.dispose()
  }

  private forward(images: tf.Tensor, training: boolean): HeadOutputs {
    const [mean, logDiagonal, factor] = [this.model.apply(images, { training })].flat() as tf.Tensor[]
    return { mean: mean!, ...(logDiagonal ? { logDiagonal } : {}), ...(factor ? { factor } : {}) }
  }

  private async update(
    parameters: readonly ModelParameter[],
    gradients: tf.NamedTensorMap,
    learningRate: number,
  ): Promise<void> {
    for (const parameter of parameters) {
      const variable = variableOf(parameter)
      // The phase `mean` moves nothing of the head but its mean.
      const gradient = gradients[variable.name]
      if (!gradient) continue
      const [values, slopes] = (await Promise.all([variable.data(), gradient.data()])) as Float32Array[]
      this.adam.update(parameter.name, values!, slopes!, learningRate)
      tf.tidy(() => {
        variable.assign(tf.tensor(values!, variable.shape))
      })
    }
  }

  private outputLabels(batch: TrainingBatch): BatchLabels {
    const output = this.geometry.outputSize(batch.spatial)
    const { labels, roi } = centreLabels(batch, output)
    const sizes = { batch: batch.batch, classes: this.head.classes, voxels: voxelCount(output) }
    checkLabels(labels, sizes, roi)
    return { labels, ...(roi && { roi }) }
  }

  private imageTensor(images: Float32Array, batch: number, spatial: readonly number[]): tf.Tensor {
    return fromPlanar(images, [batch, this.spec.inputs[0]!.channels, ...spatial])
  }

  private checkImages(images: Float32Array, batch: number, spatial: readonly number[]): void {
    const { channels } = this.spec.inputs[0]!
    this.geometry.outputSize(spatial)
    if (images.length !== batch * channels * voxelCount(spatial)) {
      throw new ShapeError('images', {
        found: `${images.length} values`,
        expected: `[${[batch, channels, ...spatial]}], planar`,
        remedy: `The network reads ${channels} channels: give images of that many`,
      })
    }
  }
}

function variableOf({ variable }: ModelParameter): tf.Variable {
  return variable.read() as tf.Variable
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

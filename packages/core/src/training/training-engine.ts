// The contract between the framework-neutral Trainer and whatever computes a step (TF.js now).
import type { LogitDistribution } from '../distribution/logit-distribution'
import type { Weights } from '../weights'

/** Images and one label map each. */
export interface TrainingBatch {
  /** `[batch, channels, *spatial]`, planar. */
  readonly images: Float32Array
  /** `[batch, *spatial]`: the image's size, of which an engine takes the middle where its output is smaller. */
  readonly labels: Uint8Array
  /** `[batch, *spatial]`; 0 is left out of the loss. */
  readonly roi?: Uint8Array
  readonly batch: number
  readonly channels: number
  readonly spatial: readonly number[]
}

/** What one optimiser step needs beside its batch. */
export interface StepOptions {
  readonly learningRate: number
  /** Largest Euclidean norm of all gradients together; a longer gradient is shortened to it. No limit unless given. */
  readonly gradientClip?: number | undefined
  /** Decay of the weights' exponential moving average; none is kept unless given. See `WeightAverage`. */
  readonly averageDecay?: number | undefined
  /** `mean`: the cross-entropy of the mean alone; `all`: the Monte-Carlo loss of eq. 7. */
  readonly phase: 'mean' | 'all'
  /** Monte-Carlo samples. */
  readonly samples: number
  /** Samples in mirrored pairs, see `monteCarloNll`; their number must then be even. */
  readonly antithetic?: boolean
  /** Weight of the cross-entropy of the mean beside eq. 7, in the phase `all`: 0 unless given. See `trainingLoss`. */
  readonly meanLossWeight?: number | undefined
  /** Weight of eq. 7 without the factor beside eq. 7, in the phase `all`: 0 unless given. */
  readonly diagonalLossWeight?: number | undefined
  /** What a voxel's log-probability is multiplied with, by its label; none unless given. */
  readonly classWeights?: readonly number[] | undefined
  /** Seed of the step's noise. The same seed and state give the same step. */
  readonly seed: number
  /** Noise stream of the first batch item, so that no two steps share noise. */
  readonly stream: number
}

/** What a step came to. */
export interface StepResult {
  /** The batch mean before the update, in nats per image, summed over voxels. */
  readonly loss: number
  /** Euclidean norm of all gradients together before they were clipped, where the engine says it and the loss is finite. */
  readonly gradientNorm?: number | undefined
}

/** Everything that a later `importState` needs to go on as if nothing had happened. */
export interface EngineState {
  /** Those that `predict` uses: the averaged ones where an average is kept. */
  readonly weights: Weights
  /** What training goes on from beside them: moments, step counters, and the weights under an average. */
  readonly optimizer: Weights
}

/** One network under training. Not re-entrant: await each call before the next. */
export interface TrainingEngine {
  /** For the log, e.g. `tfjs wasm`. */
  readonly name: string
  /** What decides its steps beside its state, where it is not the default: a run that resumes must agree. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined
  /** Forward, backward, update. */
  step(batch: TrainingBatch, options: StepOptions): Promise<StepResult>
  /** The distribution in inference mode, by the averaged weights where there are, for `[batch, channels, *spatial]` images. */
  predict(images: Float32Array, batch: number, spatial: readonly number[]): Promise<LogitDistribution>
  exportState(): Promise<EngineState>
  /** Throws `ModelError` when names or shapes differ from the network's. */
  importState(state: EngineState): Promise<void>
  dispose(): void
}

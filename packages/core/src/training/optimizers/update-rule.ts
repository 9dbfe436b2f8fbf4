// What tells one optimiser from another: its options, and how it moves one parameter.
import { ValueError } from '../../errors'

/** Numbers that are moved, or along which they are. */
export type Values = Float32Array | Float64Array

/** How weights are drawn towards 0. */
export interface WeightDecay {
  /** λ ≥ 0: 0, but for `adamW` 0.01. */
  readonly weightDecay?: number | undefined
  /**
   * `kernels` (the default): parameters named `….weight` alone, so that biases, normalisation and slopes stay free.
   * `all`: every parameter, as PyTorch does.
   */
  readonly decayed?: 'kernels' | 'all' | undefined
}

/** Adam (Kingma & Ba 2015), its decay an L2 term in the gradient; `adamW` decouples it (Loshchilov & Hutter 2019). */
export interface AdamOptions extends WeightDecay {
  readonly name: 'adam' | 'adamW'
  /** Decay of the gradients' running mean, in [0, 1): 0.9. */
  readonly beta1?: number | undefined
  /** Decay of the squared gradients' running mean, in [0, 1): 0.999. */
  readonly beta2?: number | undefined
  /** Added to the root of the second moment, > 0: 1e-8, as in PyTorch (Keras: 1e-7). */
  readonly epsilon?: number | undefined
}

/** RMSprop with momentum, in PyTorch's form: epsilon outside the root, the learning rate outside the momentum. */
export interface RmsPropOptions extends WeightDecay {
  readonly name: 'rmsProp'
  /** Decay of the squared gradients' running mean, in [0, 1): 0.9, the paper's (PyTorch's `alpha`, there 0.99). */
  readonly decay?: number | undefined
  /** In [0, 1): 0. The paper's is 0.6. */
  readonly momentum?: number | undefined
  /** Added to the root of the running mean, > 0: 1e-8. */
  readonly epsilon?: number | undefined
  /** Whether weight decay bypasses the moments, as in AdamW; false: it is an L2 term in the gradient. */
  readonly decoupled?: boolean | undefined
}

/** An optimiser as data: JSON, for configurations. */
export type OptimizerOptions = AdamOptions | RmsPropOptions

/** What decides one update of one parameter, beside the rule. */
export interface UpdateSettings {
  /** Counts from 1. */
  readonly step: number
  readonly learningRate: number
  /** λ of an L2 term in the gradient. */
  readonly penalty: number
  /** What decoupled decay leaves of the value; 1: everything. */
  readonly shrink: number
}

/** How an optimiser moves one parameter. */
export interface UpdateRule {
  /** Names the state in a checkpoint. */
  readonly name: 'adam' | 'rmsProp'
  /** Names of the running moments, each as large as the parameter. */
  readonly moments: readonly string[]
  readonly decoupled: boolean
  /** Moves `values` and `moments` in place: slope = gradient + penalty·value, value ← shrink·value − change. */
  move(values: Values, gradient: Values, moments: readonly Values[], settings: UpdateSettings): void
  /** The twin of {@link move} for graphics cards. */
  readonly wgsl: RuleInWgsl
}

/** A rule for one value in WGSL, in float32. */
export interface RuleInWgsl {
  /** What differs between updates, which the code reads as `settings.<name>`, of f32. */
  numbers(settings: UpdateSettings): Readonly<Record<string, number>>
  /** Statements that change a variable for each moment, under its name, by `slope`, and say `let change = …`. */
  readonly code: string
}

/** Throws {@link ValueError} for an option that the optimiser has not: it would be left out of account without a word. */
export function checkOptionNames({ name, ...given }: OptimizerOptions, own: readonly string[]): void {
  const known = [...own, 'weightDecay', 'decayed']
  const unknown = Object.keys(given).find((option) => !known.includes(option))
  if (unknown !== undefined)
    throw wrongOption(`'${unknown}'`, `no such option of '${name}'`, known.join(', '))
}

/** Throws {@link ValueError} unless a running mean's rate lies in [0, 1). */
export function rate(name: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0 && value < 1))
    throw wrongOption(name, value, 'a number from 0 up to, but not, 1')
}

/** Throws {@link ValueError} unless a number is finite and > 0. */
export function positive(name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw wrongOption(name, value, 'a number > 0')
}

/** The error of an option that is out of range. */
export function wrongOption(name: string, value: unknown, expected: string): ValueError {
  return new ValueError(`optimizer ${name}`, {
    found: String(value),
    expected,
    remedy: 'Correct this option',
  })
}

// An optimiser over named parameters: what it remembers of each, and when.
import { adam } from './adam'
import { rmsProp } from './rms-prop'
import {
  type OptimizerOptions,
  type UpdateRule,
  type UpdateSettings,
  type Values,
  type WeightDecay,
  wrongOption,
} from './update-rule'

/** What an optimiser remembers of one parameter. */
export interface ParameterState {
  /** Updates so far of this parameter: one without a gradient in the first phase starts later. */
  readonly step: number
  /** Each as large as the parameter, in the order of {@link Optimizer.moments}. */
  readonly moments: readonly Values[]
}

/** Moves named parameters one by one; neutral to what computes the gradients. */
export class Optimizer {
  /** Names the state in a checkpoint; the same for `adam` and `adamW`. */
  readonly name: string
  readonly moments: readonly string[]
  /** For engines that move the values by themselves: how. */
  readonly rule: UpdateRule
  readonly #decay: (name: string) => number
  readonly #state = new Map<string, ParameterState>()

  /** Throws `ValueError` for an unknown name, unknown options and numbers out of range. */
  constructor(options: OptimizerOptions) {
    this.rule = ruleOf(options)
    this.#decay = decayOf(options)
    this.name = this.rule.name
    this.moments = this.rule.moments
  }

  /** Moves `values` against `gradient`, in place. Moments have the precision of the values. */
  update(name: string, values: Values, gradient: Values, learningRate: number): void {
    const { moments, step: before } = this.#state.get(name) ?? {
      step: 0,
      moments: this.moments.map(() => values.slice().fill(0)),
    }
    const step = before + 1
    this.rule.move(values, gradient, moments, this.settings(name, step, learningRate))
    this.#state.set(name, { step, moments })
  }

  /** What decides a parameter's update number `step`, from 1. */
  settings(name: string, step: number, learningRate: number): UpdateSettings {
    const decay = this.#decay(name)
    return this.rule.decoupled
      ? { step, learningRate, penalty: 0, shrink: 1 - learningRate * decay }
      : { step, learningRate, penalty: decay, shrink: 1 }
  }

  /** What it remembers of each parameter that has moved; not a copy. */
  state(): ReadonlyMap<string, ParameterState> {
    return this.#state
  }

  /** Forgets everything but the given state, whose moments it keeps and changes from then on. */
  reset(state: Iterable<readonly [name: string, state: ParameterState]> = []): void {
    this.#state.clear()
    for (const [name, remembered] of state) this.#state.set(name, remembered)
  }
}

function ruleOf(options: OptimizerOptions): UpdateRule {
  switch (options.name) {
    case 'adam':
    case 'adamW':
      return adam(options)
    case 'rmsProp':
      return rmsProp(options)
    default:
      throw wrongOption('name', (options as { readonly name?: unknown }).name, "'adam', 'adamW' or 'rmsProp'")
  }
}

/** λ of a parameter, by its name. */
function decayOf(options: OptimizerOptions): (name: string) => number {
  const { decayed = 'kernels', weightDecay = options.name === 'adamW' ? 0.01 : 0 }: WeightDecay = options
  if (!(Number.isFinite(weightDecay) && weightDecay >= 0)) {
    throw wrongOption('weightDecay', weightDecay, 'a number ≥ 0')
  }
  if (decayed !== 'kernels' && decayed !== 'all') throw wrongOption('decayed', decayed, "'kernels' or 'all'")
  return (name) => (decayed === 'all' || name.endsWith('.weight') ? weightDecay : 0)
}

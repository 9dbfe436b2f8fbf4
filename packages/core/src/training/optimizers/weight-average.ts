// The exponential moving average of weights (Polyak & Juditsky 1992), and its place in an engine's state.
import type { EngineState } from '../training-engine'
import type { LayoutConversion } from './optimizer-state'

const TRAINED = '.average.trained'
const UPDATES = '.average.updates'
const copy: LayoutConversion = (values) => values.slice()

interface Average {
  readonly updates: number
  readonly values: Float32Array
}

/**
 * Averages of named parameters: average ← d·average + (1 − d)·values.
 *
 * d = min(decay, (1 + n) / (10 + n)) after n updates, so that the untrained weights are soon forgotten, as TensorFlow does;
 * the first update takes the values as they are.
 */
export class WeightAverage {
  readonly #byName = new Map<string, Average>()

  /** d: the share of the average that the next update keeps, after so many. */
  static kept(updates: number, decay: number): number {
    return updates === 0 ? 0 : Math.min(decay, (1 + updates) / (10 + updates))
  }

  /** @param decay in [0, 1); 0.999 remembers about the last thousand steps. */
  update(name: string, values: Float32Array, decay: number): void {
    const { updates, values: average } = this.#byName.get(name) ?? { updates: 0, values: values.slice() }
    const kept = WeightAverage.kept(updates, decay)
    if (updates > 0) {
      for (let index = 0; index < values.length; index++) {
        average[index] = kept * average[index]! + (1 - kept) * values[index]!
      }
    }
    this.#byName.set(name, { updates: updates + 1, values: average })
  }

  /** The averages by name, not copied; none before the first update. */
  state(): ReadonlyMap<string, Average> {
    return this.#byName
  }

  /** Forgets everything but the given averages, which it keeps and changes from then on. */
  reset(averages: Iterable<readonly [name: string, average: Average]> = []): void {
    this.#byName.clear()
    for (const [name, average] of averages) this.#byName.set(name, average)
  }
}

/** A state by whose weights one predicts: the averages take the weights' place, which join what training goes on from. */
export function withAverage(
  { weights, optimizer }: EngineState,
  average: WeightAverage,
  toCanonical: LayoutConversion = copy,
): EngineState {
  const averaged = new Map(weights)
  const rest = new Map(optimizer)
  for (const [name, { updates, values }] of average.state()) {
    const trained = weights.get(name)!
    averaged.set(name, { shape: trained.shape, data: toCanonical(values, trained.shape) })
    rest.set(`${name}${TRAINED}`, trained)
    rest.set(`${name}${UPDATES}`, { shape: [1], data: Float32Array.of(updates) })
  }
  return { weights: averaged, optimizer: rest }
}

/** What {@link withAverage} was given, and the averages as {@link WeightAverage.reset} takes them. */
export function splitAverage(
  { weights, optimizer }: EngineState,
  fromCanonical: LayoutConversion = copy,
): { readonly state: EngineState; readonly averages: (readonly [name: string, average: Average])[] } {
  const trained = new Map(weights)
  const rest = new Map(optimizer)
  const averages = [...weights].flatMap(([name, { data, shape }]) => {
    const [values, updates] = [rest.get(`${name}${TRAINED}`), rest.get(`${name}${UPDATES}`)]
    if (!values || !updates) return []
    trained.set(name, values)
    rest.delete(`${name}${TRAINED}`)
    rest.delete(`${name}${UPDATES}`)
    return [[name, { updates: updates.data[0]!, values: fromCanonical(data, shape) }] as const]
  })
  return { state: { weights: trained, optimizer: rest }, averages }
}

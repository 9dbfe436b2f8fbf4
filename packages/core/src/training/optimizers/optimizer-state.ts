// An optimiser's state as named arrays beside the weights: `<parameter>.<optimiser>.<moment>` and `….step`.
import { voxelCount } from '../../distribution/logit-distribution'
import { ModelError } from '../../errors'
import type { Weight, Weights } from '../../weights'
import type { Optimizer, ParameterState } from './optimizer'

/** A parameter's name and canonical shape. */
export interface NamedShape {
  readonly name: string
  readonly shape: readonly number[]
}

/** Between an engine's own order of a parameter's values and the canonical one; gives a copy. */
export type LayoutConversion = (values: Float32Array, shape: readonly number[]) => Float32Array

const copy: LayoutConversion = (values) => values.slice()

/** Copies what an optimiser of float32 parameters remembers. */
export function optimizerWeights(
  optimizer: Optimizer,
  parameters: readonly NamedShape[],
  toCanonical: LayoutConversion = copy,
): Weights {
  const weights = new Map<string, Weight>()
  for (const { name, shape } of parameters) {
    const state = optimizer.state().get(name)
    if (!state) continue
    const prefix = `${name}.${optimizer.name}`
    for (const [index, moment] of optimizer.moments.entries()) {
      const data = toCanonical(state.moments[index] as Float32Array, shape)
      weights.set(`${prefix}.${moment}`, { shape, data })
    }
    weights.set(`${prefix}.step`, { shape: [1], data: Float32Array.of(state.step) })
  }
  return weights
}

/**
 * What {@link optimizerWeights} gave as {@link Optimizer.reset} takes it.
 *
 * @throws ModelError for a state of other parameters or of another optimiser.
 */
export function optimizerState(
  optimizer: Optimizer,
  parameters: readonly NamedShape[],
  weights: Weights,
  fromCanonical: LayoutConversion = copy,
): (readonly [name: string, state: ParameterState])[] {
  const state = parameters.flatMap(({ name, shape }) => {
    const prefix = `${name}.${optimizer.name}`
    const step = weights.get(`${prefix}.step`)?.data[0]
    if (step === undefined) return []
    const moments = optimizer.moments.map((moment) =>
      fromCanonical(momentOf(weights, `${prefix}.${moment}`, shape), shape),
    )
    return [[name, { step, moments }] as const]
  })
  const parts = [...optimizer.moments, 'step'].map((part) => `${optimizer.name}.${part}`)
  if (state.length * parts.length !== weights.size) {
    throw new ModelError('optimiser state', {
      found: `${weights.size} arrays, of which ${state.length * parts.length} belong to this network's parameters`,
      expected: `for each parameter that has moved: ${parts.join(', ')}`,
      remedy: 'Take the state of a run with the same network and optimiser',
    })
  }
  return state
}

function momentOf(weights: Weights, name: string, shape: readonly number[]): Float32Array {
  const moment = weights.get(name)
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

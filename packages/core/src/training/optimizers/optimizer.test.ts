import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ModelError, ValueError } from '../../errors'
import { Optimizer } from './optimizer'
import { optimizerState, optimizerWeights } from './optimizer-state'
import type { OptimizerOptions } from './update-rule'

/** By scripts/torch-optimizers.py. */
const golden = JSON.parse(readFileSync(new URL('torch-optimizers.json', import.meta.url), 'utf8')) as {
  readonly start: readonly number[]
  readonly gradients: readonly (readonly number[])[]
  readonly learningRates: readonly number[]
  readonly cases: readonly { readonly options: OptimizerOptions; readonly values: number[][] }[]
}

const kinds = ['adam', 'adamW', 'rmsProp'] as const

describe('Optimizer', () => {
  it.each(golden.cases)("takes PyTorch's steps with $options", ({ options, values: expected }) => {
    const optimizer = new Optimizer({ ...options, decayed: 'all' })
    const values = Float64Array.from(golden.start)
    const rounded = Float32Array.from(golden.start)
    golden.gradients.forEach((gradient, step) => {
      optimizer.update('double', values, Float64Array.from(gradient), golden.learningRates[step]!)
      optimizer.update('single', rounded, Float32Array.from(gradient), golden.learningRates[step]!)
      for (const [index, value] of expected[step]!.entries()) {
        expect(values[index]).toBeCloseTo(value, 12)
        expect(rounded[index]).toBeCloseTo(value, 5)
      }
    })
  })

  // The statements are JavaScript too.
  it.each(golden.cases)('says the same in WGSL, with $options', ({ options, values: expected }) => {
    const optimizer = new Optimizer({ ...options, decayed: 'all' })
    const { moments, rule } = optimizer
    const results = [...moments, 'change'].join(', ')
    const update = new Function(
      'slope',
      'settings',
      'sqrt',
      ...moments,
      `${rule.wgsl.code}; return [${results}]`,
    )
    let states = golden.start.map((value) => [...moments.map(() => 0), value])
    golden.gradients.forEach((gradient, step) => {
      const settings = optimizer.settings('a', step + 1, golden.learningRates[step]!)
      const numbers = rule.wgsl.numbers(settings)
      states = states.map((state, index) => {
        const value = state.at(-1)!
        const slope = gradient[index]! + settings.penalty * value
        const next: number[] = update(slope, numbers, Math.sqrt, ...state.slice(0, -1))
        return [...next.slice(0, -1), settings.shrink * value - next.at(-1)!]
      })
      for (const [index, value] of expected[step]!.entries())
        expect(states[index]!.at(-1)).toBeCloseTo(value, 12)
    })
  })

  it.each(kinds)('%s: kernels alone decay unless told otherwise', (name) => {
    const moved = (parameter: string, decayed?: 'all'): number => {
      const values = Float32Array.of(1)
      new Optimizer({ name, weightDecay: 0.5, decayed }).update(parameter, values, Float32Array.of(0), 0.1)
      return values[0]!
    }
    expect(moved('conv.weight')).toBeLessThan(1)
    expect(moved('conv.bias')).toBe(1)
    expect(moved('norm.scale')).toBe(1)
    expect(moved('conv.bias', 'all')).toBe(moved('conv.weight'))
  })

  it("decouples RMSprop's decay where asked: it does not pass through the moments", () => {
    const values = Float64Array.of(2)
    const optimizer = new Optimizer({ name: 'rmsProp', momentum: 0.6, weightDecay: 0.5, decoupled: true })
    optimizer.update('a.weight', values, Float64Array.of(0), 0.1)
    expect(values[0]).toBeCloseTo(2 * (1 - 0.1 * 0.5), 12)
  })

  it.each(kinds)('%s: goes on bit for bit from its state as weights', (name) => {
    const shapes = [
      { name: 'a.weight', shape: [2, 1, 1] },
      { name: 'b.bias', shape: [3] },
      { name: 'not moved yet', shape: [9] },
    ]
    const options: OptimizerOptions = { name, weightDecay: 0.01 }
    const run = (optimizer: Optimizer, values: Float32Array[], from: number, to: number): void => {
      for (let step = from; step < to; step++) {
        for (const [index, array] of values.entries()) {
          const gradient = array.map((value, at) => Math.sin(value + step + at))
          if (index === 0 || step > 2) optimizer.update(shapes[index]!.name, array, gradient, 0.01)
        }
      }
    }
    const straight = new Optimizer(options)
    const values = [Float32Array.of(1, -2), Float32Array.of(0.5, 3, 0)]
    run(straight, values, 0, 5)
    const weights = optimizerWeights(straight, shapes)
    const resumedValues = values.map((array) => array.slice())
    run(straight, values, 5, 9)

    const resumed = new Optimizer(options)
    resumed.reset(optimizerState(resumed, shapes, weights))
    run(resumed, resumedValues, 5, 9)
    expect(resumedValues).toEqual(values)
    expect(optimizerWeights(resumed, shapes)).toEqual(optimizerWeights(straight, shapes))
    expect(weights.get(`b.bias.${straight.name}.step`)!.data[0]).toBe(2)
    resumed.reset()
    expect(optimizerWeights(resumed, shapes).size).toBe(0)
  })

  it("refuses another optimiser's state, another network's, and one that is cut short", () => {
    const shapes = [{ name: 'a', shape: [2] }]
    const from = new Optimizer({ name: 'adam' })
    from.update('a', Float32Array.of(1, 2), Float32Array.of(1, 2), 0.1)
    const weights = optimizerWeights(from, shapes)
    const into = (name: 'adam' | 'rmsProp', parameters = shapes, state = weights) => {
      return () => optimizerState(new Optimizer({ name }), parameters, state)
    }
    expect(into('adam')).not.toThrow()
    expect(into('rmsProp')).toThrow(ModelError)
    expect(into('adam', [{ name: 'b', shape: [2] }])).toThrow(/optimiser state: found 3 arrays, of which 0/)
    expect(into('adam', [{ name: 'a', shape: [3] }])).toThrow(/'a.adam.first': found 2 values/)
    const short = new Map([...weights].filter(([key]) => key !== 'a.adam.second'))
    expect(into('adam', shapes, short)).toThrow(/'a.adam.second': found nothing/)
  })

  it.each([
    { name: 'sgd' as 'adam' },
    { name: 'adam', beta1: 1 },
    { name: 'adam', beta2: -0.1 },
    { name: 'adamW', epsilon: 0 },
    { name: 'adam', weightDecay: -1 },
    { name: 'adam', weightDecay: Number.NaN },
    { name: 'adam', decayed: 'biases' as 'all' },
    { name: 'rmsProp', decay: 1 },
    { name: 'rmsProp', momentum: 1.5 },
    { name: 'rmsProp', epsilon: Number.POSITIVE_INFINITY },
    { name: 'rmsProp', mometum: 0.6 } as OptimizerOptions,
    { name: 'adam', momentum: 0.6 } as OptimizerOptions,
    { name: 'adam', beta1: '0.9' } as unknown as OptimizerOptions,
    { name: 'rmsProp', decoupled: 'no' } as unknown as OptimizerOptions,
  ] satisfies OptimizerOptions[])('refuses %j', (options) => {
    expect(() => new Optimizer(options)).toThrow(ValueError)
  })
})

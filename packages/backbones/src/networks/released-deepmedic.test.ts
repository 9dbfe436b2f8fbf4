import { ModelError, type SsnHead, ssnHead, type Weight } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { parametersOf } from '../weights/parameters'
import { deepmedicBrats } from './deepmedic'
import { fromReleasedDeepmedic, releasedDeepmedicName } from './released-deepmedic'

const head = ssnHead({ classes: 4, rank: 10 })
const deterministic = ssnHead({ kind: 'deterministic', classes: 4 })

/** A state dict as the authors' classes make it: every tensor holds its own name's hash, channel by channel. */
function stateDict(stochastic: boolean): Map<string, Weight> {
  const weights = new Map<string, Weight>()
  const add = (name: string, ...shape: number[]): void => {
    const count = shape.reduce((product, length) => product * length, 1)
    const per = count / shape[0]!
    const data = Float32Array.from(
      { length: count },
      (_, index) => weights.size + Math.floor(index / per) / 64,
    )
    weights.set(name, { shape, data })
  }
  const block = (name: string, from: number, to: number, width: number): void => {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) add(`${name}.norm.${part}`, from)
    add(`${name}.conv.weight`, to, from, width, width, width)
    add(`${name}.prelu.weight`, 1)
  }
  const widths = [4, 30, 30, 40, 40, 40, 40, 50, 50]
  for (const [index, factor] of [5, 3, 1].entries()) {
    for (let layer = 1; layer <= 8; layer++) {
      block(
        `path(${factor}, ${factor}, ${factor})${index}.path.${layer}`,
        widths[layer - 1]!,
        widths[layer]!,
        3,
      )
    }
  }
  const joint = [150, 250, 250, stochastic ? 50 : 4]
  for (let layer = 0; layer < 3; layer++)
    block(`fully_connected.${layer}`, joint[layer]!, joint[layer + 1]!, 1)
  if (!stochastic) return weights
  for (const [name, channels] of [
    ['mean_l', 4],
    ['log_cov_diag_l', 4],
    ['cov_factor_l', 40],
  ] as const) {
    add(`${name}.weight`, channels, 50, 1, 1, 1)
    add(`${name}.bias`, channels)
  }
  return weights
}

describe('fromReleasedDeepmedic', () => {
  it.each([
    ['stochastic', deepmedicBrats(), head],
    ['deterministic', deepmedicBrats({ deterministic: true }), deterministic],
  ] as const)(
    'finds every weight of the %s network, and uses all but the first blocks’ unused ones',
    (kind, spec, of) => {
      const released = stateDict(kind === 'stochastic')
      const weights = fromReleasedDeepmedic(spec, of as SsnHead, released)
      expect([...weights.keys()]).toEqual(parametersOf(spec, of).map(({ name }) => name))
      const used = new Set([...weights.keys()].map((name) => releasedDeepmedicName(name, spec.headBias)))
      const unused = [...released.keys()].filter((name) => !used.has(name))
      expect(unused).toHaveLength(3 * 5)
      for (const name of unused) expect(name).toMatch(/^path\(.*\)\d\.path\.1\.(norm|prelu)\./)
    },
  )

  it('takes each weight from its counterpart, and puts the factor in our order', () => {
    const released = stateDict(true)
    const weights = fromReleasedDeepmedic(deepmedicBrats(), head, released)
    expect(weights.get('path1.block2.norm.variance')).toBe(
      released.get('path(3, 3, 3)1.path.3.norm.running_var'),
    )
    expect(weights.get('joint.block1.prelu.slope')).toBe(released.get('fully_connected.1.prelu.weight'))
    const theirs = released.get('cov_factor_l.bias')!.data
    const ours = weights.get('head.factor.bias')!.data
    // Component 7 of class 2.
    expect(ours[2 * 10 + 7]).toBe(theirs[7 * 4 + 2])
    expect(new Set(ours)).toEqual(new Set(theirs))
    const row = weights.get('head.factor.weight')!.data.subarray((2 * 10 + 7) * 50, (2 * 10 + 8) * 50)
    expect(new Set(row)).toEqual(new Set([released.get('cov_factor_l.weight')!.data[(7 * 4 + 2) * 50]]))
  })

  it('names what is missing or does not fit', () => {
    const released = stateDict(true)
    released.delete('mean_l.bias')
    expect(() => fromReleasedDeepmedic(deepmedicBrats(), head, released)).toThrow(
      /'mean_l.bias': found nothing/,
    )
    expect(() => fromReleasedDeepmedic(deepmedicBrats({ inputChannels: 2 }), head, stateDict(true))).toThrow(
      /path0.block0.conv.weight/,
    )
    expect(() => releasedDeepmedicName('down0.conv0.weight')).toThrow(ModelError)
  })
})

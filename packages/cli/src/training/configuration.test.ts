import { readFileSync } from 'node:fs'
import { trainingOptions } from '@stochseg/core'
import { expect, test } from 'vitest'
import { parseConfiguration, resumedConfiguration } from './configuration'

test('defaults are filled in', () => {
  expect(parseConfiguration({ data: 'x.h5', steps: 7 })).toMatchObject({
    head: 'low-rank',
    rank: 10,
    steps: 7,
    meanSteps: 0,
  })
  expect(parseConfiguration({ data: 'x.h5' })).toMatchObject({ steps: 5000, meanSteps: 500 })
  expect(parseConfiguration({ data: 'x.h5', steps: 99, meanSteps: 50 })).toMatchObject({ meanSteps: 50 })
})

test('an unknown key is named', () => {
  expect(() => parseConfiguration({ data: 'x.h5', stepz: 7 } as never)).toThrow(
    /found the unknown key 'stepz'; expected flags of stochseg train in camel case/,
  )
})

test.each([
  [{ data: 'x', rank: 0 }, /configuration 'rank': found 0; expected number to be >=1\./],
  [{ data: 'x', rank: '4' as never }, /configuration 'rank': found "4"; expected number\./],
  [{ data: 'x', backend: 'gpu' }, /configuration 'backend': found "gpu"; expected one of "wasm"/],
  [{ data: 'x', head: 'none' as never }, /configuration 'head': found "none"; .*low-rank/],
  [{ data: 'x', widths: [16, 0.5] }, /configuration 'widths.1'/],
  [{ data: 'x', learningRate: Number.NaN }, /configuration 'learningRate'/],
  [{ data: 'x', optimizer: 'sgd' as never }, /configuration 'optimizer': found "sgd"/],
  [{ data: 'x', optimizer: 'sgd' as never }, /expected 'adam', 'adamW', 'rmsProp' or an object/],
  [{ data: 'x', augmentation: 'lidcc' as never }, /found "lidcc"; expected 'lidc', 'brats' or an object/],
  [{ data: 'x', augmentation: [] as never }, /configuration 'augmentation': found \[\]/],
  [{ data: 'x', augmentation: { signal: 5 } as never }, /augmentation: signal: found an unknown option/],
  [{ data: 'x', layout: null as never }, /configuration 'layout': found null; expected an object/],
  [{ data: 'x', patchSize: [9] }, /configuration 'patchSize': found \[9\]/],
  [{ data: 'x', layout: { channels: ['t1'] } as never }, /layout 'labels': found nothing/],
  [{ data: 'x', minutes: 5, schedule: 'cosine' as const }, /configuration 'minutes'/],
  [{}, /configuration 'data': found nothing; expected --data: HDF5 file/],
])('%j is refused', (given, message) => {
  expect(() => parseConfiguration(given)).toThrow(message)
})

test('a resumed run may be longer, but not another run', () => {
  const begun = parseConfiguration({ data: 'x', rank: 3 })
  expect(resumedConfiguration(begun, { steps: 9000, rank: 3 })).toEqual({ ...begun, steps: 9000 })
  expect(resumedConfiguration(begun, { onBadCase: 'skip', patience: 3 })).toMatchObject({ onBadCase: 'skip' })
  expect(() => resumedConfiguration(begun, { rank: 4 })).toThrow(
    /found 4; expected 3, with which the run began/,
  )
})

test('a resumed run may change its course where that is said, but not its network', () => {
  const begun = parseConfiguration({ data: 'x', rank: 3 })
  const slower = { learningRate: 1e-4, gradientClip: 10 }
  expect(() => resumedConfiguration(begun, slower)).toThrow(/'learningRate': .*give --change/)
  expect(resumedConfiguration(begun, slower, { change: true })).toEqual({ ...begun, ...slower })
  expect(() => resumedConfiguration(begun, { rank: 4 }, { change: true })).toThrow(
    /'rank': found 4; expected 3/,
  )
})

test('a schedule that changes takes its milestones along', () => {
  const begun = parseConfiguration({ data: 'x', schedule: 'steps', milestones: [5], decayFactor: 0.1 })
  const resumed = resumedConfiguration(begun, { schedule: 'constant' }, { change: true })
  expect(() => trainingOptions(resumed)).not.toThrow()
  const later = resumedConfiguration(begun, { milestones: [9] }, { change: true })
  expect(later).toMatchObject({ schedule: 'steps', milestones: [9], decayFactor: 0.1 })
})

test('starts with a low variance, but where the diagonal is all the noise there is', () => {
  expect(parseConfiguration({ data: 'x' }).logDiagonalBias).toBe(-8)
  expect(parseConfiguration({ data: 'x', head: 'diagonal' }).logDiagonalBias).toBe(0)
  expect(parseConfiguration({ data: 'x', head: 'diagonal', logDiagonalBias: -2 }).logDiagonalBias).toBe(-2)
})

test("the paper's settings on the page on training are configurations", () => {
  const page = readFileSync(new URL('../../../../docs/training.md', import.meta.url), 'utf8')
  const settings = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => JSON.parse(json!))
  expect(settings).toHaveLength(2)
  for (const given of settings)
    expect(trainingOptions(parseConfiguration({ data: 'x', ...given })).steps).toBeGreaterThan(1)
})

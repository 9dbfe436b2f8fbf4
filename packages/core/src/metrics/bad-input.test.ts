// Whatever metrics are given, they give a figure in its range or a typed error.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { StochsegError } from '../errors'
import { Calibration } from './calibration'
import { dice } from './dice'
import {
  generalizedEnergyDistance,
  sampleDiversity,
  unbiasedGeneralizedEnergyDistance,
} from './generalized-energy-distance'
import { hungarianMatchedIou } from './hungarian-matched-iou'
import { iou, iouDistance } from './iou'
import type { LabelMapSizes } from './label-maps'
import { normalizedCrossCorrelation } from './normalized-cross-correlation'
import { sampleQuality } from './sample-quality'
import { setMetrics } from './set-metrics'

/** Mostly `good`, now and then one of the others. */
function mostly<T>(good: fc.Arbitrary<T>, ...others: fc.Arbitrary<unknown>[]): fc.Arbitrary<T> {
  const rare = others.map((arbitrary) => ({ weight: 1, arbitrary }))
  return fc.oneof(
    { weight: 8, arbitrary: good },
    ...(rare as { weight: number; arbitrary: fc.Arbitrary<T> }[]),
  )
}

const number = mostly(
  fc.integer({ min: 2, max: 4 }),
  fc.constantFrom(1, 0, -1, 1.5, 257, 2 ** 32, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY),
)

const input = fc.record({ classes: number, voxels: number }).chain(({ classes, voxels }) => {
  const size = voxels < 100 ? Math.max(1, Math.floor(voxels)) : 3
  const labelMaps = (maps: number): fc.Arbitrary<Uint8Array> =>
    mostly(
      fc.uint8Array({ minLength: maps * size, maxLength: maps * size, max: 1 }),
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom([0, 1], new Float32Array(4), new Uint16Array(4)),
    )
  const ofClass = { min: 0, max: 1, noNaN: true }
  const sample = mostly(
    fc
      .float32Array({ minLength: size, maxLength: size, ...ofClass })
      .map((first) => Float32Array.of(...first, ...first.map((value) => 1 - value))),
    fc.float32Array({ maxLength: 12 }),
    fc.constantFrom([0.5, 0.5], new Float64Array(2), undefined),
  )
  return fc.record({
    a: labelMaps(1),
    b: labelMaps(3),
    c: labelMaps(2),
    d: labelMaps(1),
    p: fc.array(sample, { maxLength: 3 }),
    sizes: fc.record(
      { classes: fc.constant(classes), voxels: fc.constant(voxels), roi: labelMaps(1) },
      { requiredKeys: ['classes', 'voxels'] },
    ) as fc.Arbitrary<LabelMapSizes>,
  })
})
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

const functions: Record<string, (given: Input) => unknown> = {
  dice: ({ a, d, sizes }) => dice(a, d, sizes),
  iou: ({ a, d, sizes }) => iou(a, d, sizes),
  iouDistance: ({ a, d, sizes }) => iouDistance(a, d, sizes),
  generalizedEnergyDistance: ({ a, b, sizes }) => generalizedEnergyDistance(a, b, sizes),
  unbiasedGeneralizedEnergyDistance: ({ b, c, sizes }) => unbiasedGeneralizedEnergyDistance(b, c, sizes),
  sampleDiversity: ({ a, sizes }) => sampleDiversity(a, sizes),
  hungarianMatchedIou: ({ a, b, sizes }) => hungarianMatchedIou(a, b, sizes),
  setMetrics: ({ a, b, sizes }) => setMetrics(a, b, sizes),
  sampleQuality: ({ a, b, c, sizes }) => sampleQuality({ prediction: a, samples: b, raters: c }, sizes),
  'normalizedCrossCorrelation of label maps': ({ a, b, sizes }) => normalizedCrossCorrelation(a, b, sizes),
  'normalizedCrossCorrelation of probabilities': ({ a, p, sizes }) => normalizedCrossCorrelation(p, a, sizes),
  Calibration: ({ a, p, sizes: { classes, voxels, roi } }) => {
    const calibration = new Calibration({ classes, bins: voxels })
    for (const each of p) calibration.add(each, a, { roi })
    return calibration.bins().some(({ count }) => count > 0)
      ? [calibration.expectedError, calibration.classErrors]
      : 0
  },
}

/** Every number inside a result. */
function figures(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(figures)
}

it.each(Object.entries(functions))('%s', (_, run) => {
  let worked = 0
  fc.assert(
    fc.property(input, (given) => {
      let result: unknown
      try {
        result = run(given)
      } catch (error) {
        if (!(error instanceof StochsegError)) throw error
        return
      }
      worked++
      for (const figure of figures(result)) {
        expect(figure).toBeGreaterThanOrEqual(-1 - 1e-9)
        expect(figure).toBeLessThanOrEqual(2 + 1e-9)
      }
    }),
    { numRuns: 1500 },
  )
  expect(worked).toBeGreaterThan(20)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GOLDEN_CASES, goldenCase } from '../../../../scripts/golden-math'
import { readNpy } from '../../../../scripts/read-npy'
import { referenceData } from '../../../../scripts/reference-data'
import type { Edits } from '../distribution/edits'
import { float64Array, float64Arrays as ops } from '../distribution/float64-arrays'
import { logMarginalProbabilities, marginalEntropyOf, sampledLogits } from '../distribution/formulas'
import { type LogitDistribution, logitDistribution, voxelCount } from '../distribution/logit-distribution'
import { ShapeError, ValueError } from '../errors'
import { drawNoise, standardNormals } from '../noise/draw-noise'
import { marginalEntropy, marginalProbabilities } from './marginal-probabilities'
import { meanLabelMap } from './mean-label-map'
import { sampleLabelMaps } from './sample-label-maps'
import { sampleLogits } from './sample-logits'

describe('golden cases', () => {
  for (const name of GOLDEN_CASES) {
    const golden = goldenCase(name)
    it.skipIf(!golden)(`${name} equals PyTorch's${golden ? '' : ' (reference data missing)'}`, () => {
      const { batch, classes, rank, spatial, samples, epsilon } = golden!
      const f32 = (array: string) => golden!.array(array) as Float32Array
      const d = logitDistribution({
        batch,
        classes,
        rank,
        spatial,
        mean: f32('mean'),
        factor: f32('factor'),
        diagonal: f32('log_diagonal').map((x) => Math.exp(x) + epsilon),
      })
      const options = { samples, seed: 0, noise: { z: f32('z'), epsilon: f32('eps') } }
      expect(sampleLabelMaps(d, options)).toEqual(golden!.array('sample_labels'))
      const logits = golden!.array('samples_logits_f64')
      expectClose(sampleLogits(d, options), logits, 1e-5)
      expectClose(marginalEntropy(d, options), golden!.array('entropy_f64'), 2e-6)
    })
  }
})

describe('a trained network (golden-ssn example03)', () => {
  const folder = referenceData('golden-ssn/example03')
  const skip = describe.skipIf(!folder)
  const array = (name: string) => readNpy(`${folder}/${name}.npy`).data
  const example = () =>
    logitDistribution({
      batch: 1,
      classes: 2,
      rank: 10,
      spatial: [128, 128],
      mean: array('mean') as Float32Array,
      factor: array('factor') as Float32Array,
      diagonal: array('diagonal') as Float32Array,
    })

  skip(folder ? 'with its stored figures' : 'reference data missing', () => {
    it('has the Dice and IoU of its mean against the third rater', () => {
      const prediction = meanLabelMap(example())
      const rater = array('labels').subarray(2 * 128 * 128, 3 * 128 * 128)
      const overlaps = [0, 1].map((label) => overlap(prediction, rater, label))
      expect(average(overlaps.map(({ dice }) => dice))).toBeCloseTo(0.7190585443309292, 12)
      expect(average(overlaps.map(({ iou }) => iou))).toBeCloseTo(0.6365695707800971, 12)
    })

    it('has the diversity of its samples, and their distance to the raters', () => {
      const samples = 100
      const maps = split(sampleLabelMaps(example(), { samples, seed: 0 }), samples)
      const raters = split(Uint8Array.from(array('labels')), 4)
      const distance = (a: Uint8Array, b: Uint8Array) => 1 - average([0, 1].map((c) => overlap(a, b, c).iou))
      // Over all ordered pairs, a map with itself included (which adds 0).
      const diversityOf = (all: Uint8Array[]) => {
        const distances = all.flatMap((a, i) => all.slice(i + 1).map((b) => distance(a, b)))
        return (2 * distances.reduce((sum, d) => sum + d, 0)) / all.length ** 2
      }
      const diversity = diversityOf(maps)
      const cross = average(maps.flatMap((map) => raters.map((rater) => distance(map, rater))))
      expect(diversity).toBeGreaterThan(0.29)
      expect(diversity).toBeLessThan(0.34)
      const ged = 2 * cross - diversity - diversityOf(raters)
      expect(ged).toBeGreaterThan(0.08)
      expect(ged).toBeLessThan(0.13)
    })
  })
})

const anyCase = fc
  .record({
    batch: fc.integer({ min: 0, max: 3 }),
    classes: fc.integer({ min: 1, max: 6 }),
    rank: fc.integer({ min: 0, max: 6 }),
    spatial: fc.oneof(
      fc.tuple(fc.nat(40)),
      fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 })),
    ),
    samples: fc.integer({ min: 1, max: 9 }),
    seed: fc.maxSafeNat(),
    first: fc.nat(1000),
    stream: fc.nat(1e6),
  })
  .chain((sizes) =>
    fc.record({
      sizes: fc.constant(sizes),
      edits: fc.option(
        fc.record(
          {
            temperature: fc.double({ min: 0, max: 3, noNaN: true }),
            classScale: vector(sizes.classes),
            componentScale: vector(sizes.rank),
          },
          { requiredKeys: [] },
        ),
        { nil: undefined },
      ),
    }),
  )

describe('sampling', () => {
  it('equals the float64 reference on the noise of the same seed', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes, edits }) => {
        const d = distributionOf(sizes)
        const options = { ...sizes, ...(edits && { edits }) }
        const { batch, classes, samples } = sizes
        const voxels = voxelCount(sizes.spatial)
        const reference = referenceLogits(d, sizes, edits)
        expectClose(sampleLogits(d, options), reference.data, 1e-5)
        const logProbabilities = logMarginalProbabilities(ops, reference, { classes, samples })
        expectClose(marginalProbabilities(d, options), ops.exp(logProbabilities).data, 1e-5)
        const entropy = marginalEntropyOf(ops, logProbabilities, classes)
        expectClose(marginalEntropy(d, options), entropy.data, 1e-4)
        expect(sampleLabelMaps(d, options)).toEqual(
          labelsOf(sampleLogits(d, options), samples * batch, classes, voxels),
        )
      }),
      { numRuns: 150 },
    )
  })

  it('gives the same bits for drawn and for explicit noise', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes, edits }) => {
        const d = distributionOf(sizes)
        const drawn = { ...sizes, ...(edits && { edits }) }
        const explicit = { ...drawn, noise: drawNoise(sizes) }
        expect(sampleLogits(d, explicit)).toEqual(sampleLogits(d, drawn))
        expect(sampleLabelMaps(d, explicit)).toEqual(sampleLabelMaps(d, drawn))
      }),
      { numRuns: 50 },
    )
  })

  it('gives sample m and image n the same label map whatever M, first, roi and batch', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(8), ({ sizes }, skipped) => {
        const d = distributionOf(sizes)
        const { batch, samples, first, stream, seed } = sizes
        const voxels = voxelCount(sizes.spatial)
        const all = sampleLabelMaps(d, sizes)
        const skip = Math.min(skipped, samples - 1)
        const some = sampleLabelMaps(d, { ...sizes, samples: samples - skip, first: first + skip })
        expect(some).toEqual(all.subarray(skip * batch * voxels))
        const roi = Uint8Array.from({ length: batch * voxels }, (_, index) => (index * 7) % 3)
        const masked = sampleLabelMaps(d, { ...sizes, roi })
        expect(masked).toEqual(all.map((label, index) => (roi[index % roi.length] ? label : 0)))
        if (batch === 0) return
        const last = batch - 1
        const alone = sampleLabelMaps(imageOf(d, last), { samples: 1, seed, first, stream: stream + last })
        expect(alone).toEqual(all.subarray(last * voxels, batch * voxels))
      }),
      { numRuns: 50 },
    )
  })

  it('has the mean and covariance of the distribution', () => {
    const d = distributionOf({ batch: 1, classes: 2, rank: 2, spatial: [2], seed: 4 })
    const samples = 40_000
    const logits = sampleLogits(d, { samples, seed: 11 })
    const size = 4
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0
        for (let m = 0; m < samples; m++) {
          sum += (logits[m * size + i]! - d.mean[i]!) * (logits[m * size + j]! - d.mean[j]!)
        }
        const expected = covariance(d, i, j)
        const spread = Math.sqrt(covariance(d, i, i) * covariance(d, j, j) + expected ** 2)
        expect(Math.abs(sum / samples - expected)).toBeLessThan((5 * spread) / Math.sqrt(samples))
      }
    }
  })
})

describe('labels', () => {
  const tied = logitDistribution({
    batch: 1,
    classes: 3,
    rank: 0,
    spatial: [3],
    mean: Float32Array.of(1, 0, 0, 1, 2, 0, 1, 2, 3),
    factor: new Float32Array(0),
    diagonal: new Float32Array(9).fill(1),
  })

  it('are the lowest class among equal logits', () => {
    expect([...meanLabelMap(tied)]).toEqual([0, 1, 2])
  })

  it('are 1 only above 0 for one class', () => {
    const binary = {
      ...tied,
      classes: 1,
      mean: Float32Array.of(-1, 0, 1e-30),
      diagonal: new Float32Array(3).fill(1),
    }
    expect([...meanLabelMap(binary)]).toEqual([0, 0, 1])
  })
})

describe('edits', () => {
  const sizes = { batch: 2, classes: 3, rank: 2, spatial: [7], samples: 5, seed: 1 }
  const d = distributionOf(sizes)
  const sample = (edits: Edits) => sampleLogits(d, { ...sizes, edits })

  it('at temperature 0 leave the mean', () => {
    const maps = sampleLabelMaps(d, { ...sizes, edits: { temperature: 0 } })
    const mean = meanLabelMap(d)
    for (let m = 0; m < 5; m++) expect(maps.subarray(m * 14, (m + 1) * 14)).toEqual(mean)
  })

  it('scale the deviation from the mean by temperature and class', () => {
    const plain = sample({})
    const edited = sample({ temperature: 2, classScale: [1, -1.5, 0] })
    plain.forEach((logit, index) => {
      const klass = Math.floor(index / 7) % 3
      const mean = d.mean[index % d.mean.length]!
      expect(edited[index]).toBeCloseTo(mean + 2 * [1, -1.5, 0][klass]! * (logit - mean), 4)
    })
  })

  it('scale components: those of weight 0 are as if the rank were smaller', () => {
    const factor = new Float32Array(2 * 3 * 1 * 7)
    for (let row = 0; row < 6; row++) factor.set(d.factor.subarray(row * 14, row * 14 + 7), row * 7)
    const smaller = logitDistribution({ ...d, rank: 1, factor })
    expect(sample({ componentScale: [1, 0] })).toEqual(sampleLogits(smaller, sizes))
  })

  it('are refused when they do not fit', () => {
    expect(() => sample({ temperature: -1 })).toThrow(ValueError)
    expect(() => sample({ temperature: Number.NaN })).toThrow(ValueError)
    expect(() => sample({ classScale: [1, 1] })).toThrow(ShapeError)
    expect(() => sample({ componentScale: [1, 1, 1] })).toThrow(ShapeError)
    expect(() => sample({ classScale: [1, Number.POSITIVE_INFINITY, 1] })).toThrow(ValueError)
  })
})

describe('bad input', () => {
  const sizes = { batch: 1, classes: 2, rank: 1, spatial: [3], samples: 2, seed: 1 }
  const d = distributionOf(sizes)
  const noise = drawNoise(sizes)

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('samples %d', (samples) => {
    for (const draw of [sampleLogits, sampleLabelMaps, marginalProbabilities, marginalEntropy]) {
      expect(() => draw(d, { samples, seed: 0 })).toThrow(ValueError)
    }
  })

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('seed %d', (seed) => {
    expect(() => sampleLabelMaps(d, { samples: 1, seed })).toThrow(ValueError)
  })

  it('a region of another size', () => {
    expect(() => sampleLabelMaps(d, { ...sizes, roi: new Uint8Array(4) })).toThrow(ShapeError)
  })

  it('noise of another size, or not finite', () => {
    const draw = (changed: object) => () => sampleLogits(d, { ...sizes, noise: { ...noise, ...changed } })
    expect(draw({})).not.toThrow()
    expect(draw({ z: new Float32Array(3) })).toThrow(ShapeError)
    expect(draw({ epsilon: new Float32Array(6) })).toThrow(ShapeError)
    expect(draw({ z: Float32Array.of(0, Number.NaN) })).toThrow(ValueError)
  })

  it('a distribution that nobody checked', () => {
    const broken = { ...d, mean: new Float32Array(6).fill(Number.NaN) }
    expect(() => sampleLabelMaps(broken, sizes)).toThrow(ValueError)
    expect(() => meanLabelMap(broken)).toThrow(ValueError)
    expect(() => sampleLogits({ ...d, diagonal: new Float32Array(6) }, sizes)).toThrow(ValueError)
    expect(() => sampleLogits({ ...d, factor: new Float32Array(5) }, sizes)).toThrow(ShapeError)
  })
})

interface Sizes {
  readonly batch: number
  readonly classes: number
  readonly rank: number
  readonly spatial: readonly number[]
  readonly seed: number
}

function distributionOf({ batch, classes, rank, spatial, seed }: Sizes): LogitDistribution {
  const size = batch * classes * voxelCount(spatial)
  return logitDistribution({
    batch,
    classes,
    rank,
    spatial,
    mean: standardNormals(size, { seed, plane: 1 }),
    factor: standardNormals(size * rank, { seed, plane: 2 }),
    diagonal: standardNormals(size, { seed, plane: 3 }).map(Math.exp),
  })
}

function imageOf(d: LogitDistribution, image: number): LogitDistribution {
  const part = (array: Float32Array) =>
    array.subarray((image * array.length) / d.batch, ((image + 1) * array.length) / d.batch)
  return { ...d, batch: 1, mean: part(d.mean), factor: part(d.factor), diagonal: part(d.diagonal) }
}

function referenceLogits(
  d: LogitDistribution,
  sizes: Sizes & { samples: number },
  edits: Edits | undefined,
): ReturnType<typeof float64Array> {
  const { batch, classes, rank } = d
  const voxels = voxelCount(d.spatial)
  const { z, epsilon } = drawNoise(sizes)
  const { temperature = 1 } = edits ?? {}
  const classScale = (edits?.classScale ?? new Array(classes).fill(1)).map((scale) => scale * temperature)
  return sampledLogits(
    ops,
    {
      mean: float64Array(d.mean, [batch, classes, voxels]),
      diagonal: float64Array(d.diagonal, [batch, classes, voxels]),
      ...(rank > 0 && { factor: float64Array(d.factor, [batch, classes, rank, voxels]) }),
    },
    {
      z: float64Array(z, [sizes.samples, batch, rank]),
      epsilon: float64Array(epsilon, [sizes.samples, batch, classes, voxels]),
    },
    {
      classScale: float64Array(classScale, [classes]),
      componentScale: float64Array(edits?.componentScale ?? new Array(rank).fill(1), [rank]),
    },
  )
}

function labelsOf(logits: Float32Array, maps: number, classes: number, voxels: number): Uint8Array {
  return Uint8Array.from({ length: maps * voxels }, (_, index) => {
    const start = Math.floor(index / voxels) * classes * voxels + (index % voxels)
    const all = Array.from({ length: classes }, (_, klass) => logits[start + klass * voxels]!)
    return classes === 1 ? Number(all[0]! > 0) : all.indexOf(Math.max(...all))
  })
}

function covariance(d: LogitDistribution, i: number, j: number): number {
  const voxels = voxelCount(d.spatial)
  const loading = (logit: number, component: number) =>
    d.factor[(Math.floor(logit / voxels) * d.rank + component) * voxels + (logit % voxels)]!
  let sum = i === j ? d.diagonal[i]! : 0
  for (let component = 0; component < d.rank; component++)
    sum += loading(i, component) * loading(j, component)
  return sum
}

function vector(length: number) {
  return fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: length, maxLength: length })
}

function split(maps: Uint8Array, count: number): Uint8Array[] {
  const size = maps.length / count
  return Array.from({ length: count }, (_, index) => maps.subarray(index * size, (index + 1) * size))
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function overlap(a: ArrayLike<number>, b: ArrayLike<number>, label: number): { dice: number; iou: number } {
  let both = 0
  let sum = 0
  for (let voxel = 0; voxel < a.length; voxel++) {
    const inA = a[voxel] === label
    const inB = b[voxel] === label
    if (inA && inB) both++
    sum += Number(inA) + Number(inB)
  }
  return sum === 0 ? { dice: 1, iou: 1 } : { dice: (2 * both) / sum, iou: both / (sum - both) }
}

/** Every value within `tolerance` of the expected one, relative to the larger of it and 1. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length)
  for (let index = 0; index < found.length; index++) {
    const difference = Math.abs(found[index]! - expected[index]!)
    if (!(difference <= tolerance * Math.max(1, Math.abs(expected[index]!)))) {
      expect.fail(`index ${index}: ${found[index]} is not ${expected[index]} within ${tolerance}`)
    }
  }
}

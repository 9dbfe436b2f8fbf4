import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import type { Edits } from '../distribution/edits'
import { float64Arrays as ops } from '../distribution/float64-arrays'
import { logMarginalProbabilities, marginalEntropyOf } from '../distribution/formulas'
import { type LogitDistribution, logitDistribution, voxelCount } from '../distribution/logit-distribution'
import { anySizes, randomDistribution, referenceLogits } from '../distribution/random-distribution'
import { OutOfMemoryError, ShapeError, ValueError } from '../errors'
import { drawNoise } from '../noise/draw-noise'
import { marginalEntropy, marginalProbabilities, sampleStatistics } from './marginal-probabilities'
import { meanLabelMap } from './mean-label-map'
import { sampleLabelMaps } from './sample-label-maps'
import { sampleLogits } from './sample-logits'

const anyCase = anySizes.chain((sizes) =>
  fc.record({
    sizes: fc.constant(sizes),
    edits: fc.record(
      {
        temperature: fc.double({ min: 0, max: 3, noNaN: true }),
        classScale: vector(sizes.classes),
        componentScale: vector(sizes.rank),
      },
      { requiredKeys: [] },
    ),
  }),
)

describe('sampling', () => {
  it('equals the float64 reference on the noise of the same seed', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes, edits }) => {
        const d = randomDistribution(sizes)
        const options = { ...sizes, edits }
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

  it('counts the voxels of each label in its label maps, and sums its probabilities', () => {
    fc.assert(
      fc.property(anySizes, (sizes) => {
        const d = randomDistribution(sizes)
        const voxels = voxelCount(sizes.spatial)
        const labels = Math.max(sizes.classes, 2)
        const { volumes, expectedVolumes, probabilities, entropy } = sampleStatistics(d, sizes)
        const counts = new Uint32Array(volumes.length)
        sampleLabelMaps(d, sizes).forEach((label, index) => {
          counts[Math.floor(index / voxels) * labels + label]!++
        })
        expect(volumes).toEqual(counts)
        expect(probabilities).toEqual(marginalProbabilities(d, sizes))
        expect(entropy).toEqual(marginalEntropy(d, sizes))
        expectedVolumes.forEach((expected, plane) => {
          const each = probabilities.subarray(plane * voxels, (plane + 1) * voxels)
          expect(expected).toBeCloseTo(
            each.reduce((sum, value) => sum + value, 0),
            3,
          )
        })
      }),
      { numRuns: 50 },
    )
  })

  it('says what to do where the samples fit into no array', async () => {
    const d = randomDistribution({ batch: 1, classes: 2, rank: 1, spatial: [1000], seed: 0 })
    const options = { samples: 2 ** 34, seed: 0 }
    for (const draw of [sampleLabelMaps, sampleLogits, sampleStatistics]) {
      expect(() => draw(d, options)).toThrow(OutOfMemoryError)
      expect(() => draw(d, options)).toThrow(/no room for \d+ values.*sampleLabelMapsIterator/)
    }
  })

  it('averages very many samples as exactly as few', () => {
    const odds = Float32Array.of(-3, -1, 0.5, 2, 4)
    const certain = logitDistribution({
      ...{ batch: 1, classes: 1, rank: 0, spatial: [5] },
      mean: odds,
      factor: new Float32Array(0),
      diagonal: new Float32Array(5).fill(1e-20),
    })
    const probabilities = marginalProbabilities(certain, { samples: 1_000_001, seed: 0 }).subarray(5)
    const expected = Float64Array.from(odds, (x) => 1 / (1 + Math.exp(-x)))
    expectClose(probabilities, expected, 1e-6)
  })

  it('gives the same bits for drawn and for explicit noise', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes, edits }) => {
        const d = randomDistribution(sizes)
        const drawn = { ...sizes, edits }
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
        const d = randomDistribution(sizes)
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
    const d = randomDistribution({ batch: 1, classes: 2, rank: 2, spatial: [2], seed: 4 })
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
  const d = randomDistribution(sizes)
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
  const d = randomDistribution(sizes)
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

function imageOf(d: LogitDistribution, image: number): LogitDistribution {
  const part = (array: Float32Array) =>
    array.subarray((image * array.length) / d.batch, ((image + 1) * array.length) / d.batch)
  return { ...d, batch: 1, mean: part(d.mean), factor: part(d.factor), diagonal: part(d.diagonal) }
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

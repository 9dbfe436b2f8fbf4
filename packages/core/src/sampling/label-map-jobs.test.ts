import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Edits } from '../distribution/edits'
import { type LogitDistribution, logitDistribution } from '../distribution/logit-distribution'
import { runJobs } from '../kernels/job'
import { localKernels } from '../kernels/kernel-module'
import { drawNoise, standardNormals } from '../noise/draw-noise'
import { LARGEST_NORMAL } from '../noise/normal'
import { type LabelMapOptions, labelMaps } from './sample-label-maps'

type Way = 'culled' | 'complete' | 'plain'

function draw(distribution: LogitDistribution, options: LabelMapOptions, way: Way): Uint8Array {
  const { jobs, output } = labelMaps(distribution, { ...options, cull: way === 'culled' })
  if (way === 'plain') for (const job of jobs) job.plain()
  else runJobs(jobs)
  return output
}

function expectSameLabels(distribution: LogitDistribution, options: LabelMapOptions): Uint8Array {
  const complete = draw(distribution, options, 'complete')
  expect(Buffer.compare(draw(distribution, options, 'culled'), complete)).toBe(0)
  expect(Buffer.compare(draw(distribution, options, 'plain'), complete)).toBe(0)
  return complete
}

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  classes: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 0, max: 12 }),
  voxels: fc.oneof(fc.nat(9), fc.nat(300)),
})
const noise = fc.record({
  seed: fc.maxSafeNat(),
  stream: fc.nat(0xfffffff0),
  first: fc.oneof(fc.nat(9), fc.nat(2 ** 31)),
  samples: fc.integer({ min: 1, max: 21 }),
})
const exponent = fc.integer({ min: -6, max: 6 })

describe('label maps', () => {
  it('run as WASM here', () => {
    expect(localKernels()).toBeDefined()
  })

  it('are the same bits culled, complete and in plain TypeScript', () => {
    const factor = fc.double({ min: -3, max: 3, noNaN: true })
    const property = fc.property(
      sizes,
      noise,
      fc.record({ mean: exponent, factor: exponent, diagonal: exponent }),
      fc.boolean(),
      fc.boolean(),
      fc.array(factor, { minLength: 19, maxLength: 19 }),
      (size, options, scales, withRoi, withEdits, factors) => {
        const { batch, classes, rank, voxels } = size
        const values = (count: number, plane: number) =>
          standardNormals(count, { seed: options.seed, stream: options.first, plane })
        const logits = batch * classes * voxels
        const distribution = logitDistribution({
          ...size,
          spatial: [voxels],
          mean: values(logits, 0).map((x) => x * 2 ** scales.mean),
          factor: values(logits * rank, 1).map((x) => x * 2 ** scales.factor),
          diagonal: values(logits, 2).map((x) => Math.exp(x) * 2 ** scales.diagonal),
        })
        const edits: Edits = {
          temperature: Math.abs(factors[18]!),
          classScale: factors.slice(0, classes),
          componentScale: factors.slice(6, 6 + rank),
        }
        expectSameLabels(distribution, {
          ...options,
          ...(withEdits && { edits }),
          ...(withRoi && { roi: Uint8Array.from(values(batch * voxels, 3), (x) => (x > 0 ? 1 : 0)) }),
        })
      },
    )
    fc.assert(property, { numRuns: 300 })
  })

  it('are the same bits where the lead is what the factor can just overturn', () => {
    // Rows along the largest z reach the bound ‖P_k − P_c‖·‖z‖ exactly; means a few roundings around it must not matter.
    const samples = 16
    const offsets = 401
    let changed = 0
    for (const classes of [1, 2, 3]) {
      for (const rank of [1, 3, 10]) {
        // A large part that all classes share costs the lead its low bits.
        for (const [scale, shared] of [
          [1e-12, 0],
          [1, 0],
          [3e4, 0],
          [1, 2 ** 12],
          [1, -(2 ** 16)],
        ] as const) {
          const seed = 100 * classes + rank
          const size = { batch: 1, classes, rank, spatial: [offsets], samples, seed }
          const { z } = drawNoise({ ...size, spatial: [0] })
          const norms = Array.from({ length: samples }, (_, m) =>
            Math.hypot(...z.subarray(m * rank, (m + 1) * rank)),
          )
          const largest = norms.indexOf(Math.max(...norms))
          const direction = z.subarray(largest * rank, (largest + 1) * rank)
          const bound = norms[largest]! * norms[largest]! * scale
          const mean = new Float32Array(classes * offsets)
          const factor = new Float32Array(classes * rank * offsets)
          const top = classes - 1
          for (let voxel = 0; voxel < offsets; voxel++) {
            const lead = bound * (1 + (voxel - (offsets >> 1)) * 2 ** (shared ? -16 : -25))
            // For several classes the difference is shared out between the top and the others.
            for (let klass = 0; klass < classes; klass++) {
              const share = classes === 1 ? 1 : klass === top ? 0.75 : -0.25
              mean[klass * offsets + voxel] = share * lead + (classes === 1 ? 0 : shared)
              direction.forEach((value, component) => {
                factor[(klass * rank + component) * offsets + voxel] = -share * value * scale
              })
            }
          }
          const diagonal = new Float32Array(classes * offsets).fill(1e-38)
          const distribution = logitDistribution({ ...size, mean, factor, diagonal })
          const labels = expectSameLabels(distribution, size)
          changed += labels.filter((label) => label !== top + Number(classes === 1)).length
        }
      }
    }
    expect(changed).toBeGreaterThan(1000)
  })

  it('are the same bits where the lead is what ε can just overturn', () => {
    // Of two classes without a factor, leads are the largest difference of noise that the voxel will have, or beside it; but
    // nowhere less than what one class alone can do, which some of two million differences exceed.
    const voxels = 250_000
    const samples = 8
    const size = { batch: 1, classes: 2, rank: 0, spatial: [voxels], samples, seed: 0 }
    const { epsilon } = drawNoise(size)
    const largest = new Float32Array(voxels).map((_, voxel) => {
      let most = LARGEST_NORMAL * 1.001
      for (let at = voxel; at < epsilon.length; at += 2 * voxels) {
        most = Math.max(most, epsilon[at + voxels]! - epsilon[at]!)
      }
      return most
    })
    expect(largest.filter((difference) => difference > LARGEST_NORMAL * 1.002).length).toBeGreaterThan(1)
    for (const variance of [1e-30, 7]) {
      const deviation = Math.fround(Math.sqrt(variance))
      const mean = new Float32Array(2 * voxels)
      largest.forEach((difference, voxel) => {
        mean[voxel] = deviation * difference * (1 + ((voxel % 9) - 4) * 2 ** -24)
      })
      const diagonal = new Float32Array(2 * voxels).fill(variance)
      expectSameLabels(logitDistribution({ ...size, mean, factor: new Float32Array(0), diagonal }), size)
    }
  })

  it('are the same bits where float32 overflows', () => {
    const size = { batch: 1, classes: 3, rank: 2, spatial: [64], samples: 9, seed: 1 }
    const huge = (count: number, plane: number) =>
      standardNormals(count, { seed: 2, plane }).map((x) => Math.sign(x) * 3e38 * Math.exp(-Math.abs(x)))
    const distribution = logitDistribution({
      ...size,
      mean: huge(192, 0),
      factor: huge(384, 1),
      diagonal: huge(192, 2).map(Math.abs),
    })
    const edits = { temperature: 100 }
    expect(draw(distribution, { ...size, edits }, 'culled')).toEqual(
      draw(distribution, { ...size, edits }, 'complete'),
    )
    expectSameLabels(distribution, size)
  })

  it('are split into blocks and groups of samples without a trace', () => {
    const size = { batch: 1, classes: 2, rank: 2, spatial: [7001], seed: 1 }
    const logits = 2 * 7001
    const distribution = logitDistribution({
      ...size,
      mean: standardNormals(logits, { seed: 1 }),
      factor: standardNormals(logits * 2, { seed: 2 }),
      diagonal: standardNormals(logits, { seed: 3 }).map(Math.exp),
    })
    expectSameLabels(distribution, { samples: 300, seed: 1, first: 2 })
  })

  it('of a seed never change', async () => {
    const size = { batch: 2, classes: 3, rank: 3, spatial: [17, 13], samples: 10, seed: 2 ** 40 + 7 }
    const logits = 2 * 3 * 17 * 13
    const distribution = logitDistribution({
      ...size,
      mean: standardNormals(logits, { seed: 1 }),
      factor: standardNormals(logits * 3, { seed: 2 }),
      diagonal: standardNormals(logits, { seed: 3 }).map(Math.abs),
    })
    const labels = draw(distribution, { ...size, first: 3, stream: 9 }, 'culled')
    const digest = await crypto.subtle.digest('SHA-256', labels as Uint8Array<ArrayBuffer>)
    expect(Buffer.from(digest).toString('hex')).toBe(
      '4dd9ec4e4b58abd0ad9979ec5024514581dbce71d2ff6c81314f4ec6249a33cd',
    )
  })
})

// Marginals and the loss as WASM kernels and as plain TypeScript: the same noise, so the same results to rounding.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scalesOf } from '../distribution/edits'
import { imageDistribution, logitDistribution } from '../distribution/logit-distribution'
import { lossPasses } from '../loss/loss-jobs'
import { standardNormals } from '../noise/draw-noise'
import { antitheticNoise, drawnNoise } from '../noise/image-noise'
import { logitJobs } from '../sampling/logit-jobs'
import { marginalJobs } from '../sampling/marginal-jobs'
import { type Job, runJobs } from './job'

const cases = fc.record({
  classes: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 0, max: 12 }),
  voxels: fc.oneof(fc.nat(9), fc.nat(400), fc.constant(3001)),
  samples: fc.integer({ min: 1, max: 11 }),
  first: fc.oneof(fc.nat(9), fc.nat(2 ** 33)),
  stream: fc.nat(0xffffffff),
  seed: fc.maxSafeNat(),
  scale: fc.integer({ min: -4, max: 6 }),
  withRoi: fc.boolean(),
  antithetic: fc.boolean(),
})

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

function imageOf({ classes, rank, voxels, seed, scale }: Case) {
  const logits = classes * voxels
  const values = (count: number, plane: number) => standardNormals(count, { seed, plane })
  const size = { batch: 1, classes, rank, spatial: [voxels] }
  return imageDistribution(
    logitDistribution({
      ...size,
      mean: values(logits, 0).map((x) => x * 2 ** scale),
      factor: values(logits * rank, 1),
      diagonal: values(logits, 2).map((x) => Math.exp(2 * x)),
    }),
    0,
  )
}

function noiseOf({ seed, stream, first, samples, rank, antithetic }: Case) {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const
  const noise = drawnNoise({ key, stream, first, samples }, rank)
  return antithetic ? antitheticNoise(noise) : noise
}

function plainly(jobs: Iterable<Job>): void {
  for (const job of jobs) job.plain()
}

/** Differences stay below `tolerance` of the largest value, or below `absolute`. */
function expectClose(
  given: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  absolute = 0,
): void {
  const largest = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30)
  expect(given.length).toBe(expected.length)
  const wrong = Array.from(given).findIndex(
    (x, i) => !(Math.abs(x - expected[i]!) <= tolerance * largest + absolute),
  )
  expect(wrong === -1 ? 'close' : `${given[wrong]} for ${expected[wrong]} at ${wrong}`).toBe('close')
}

describe('kernels and their twins', () => {
  it('have the same logits, bit for bit', () => {
    const property = fc.property(cases, (drawn) => {
      const c = { ...drawn, antithetic: false }
      const stride = c.classes * c.voxels + 3
      const outputs = [runJobs, plainly].map((run) => {
        const output = new Float32Array(c.samples * stride + 1)
        run(logitJobs({ output, offset: 1, stride }, imageOf(c), noiseOf(c), scalesOf(undefined, c)))
        return output
      })
      expect(Buffer.compare(Buffer.from(outputs[0]!.buffer), Buffer.from(outputs[1]!.buffer))).toBe(0)
    })
    fc.assert(property, { numRuns: 60 })
  })

  it('agree on marginals', () => {
    const property = fc.property(cases, (drawn) => {
      const c = { ...drawn, antithetic: false }
      const image = imageOf(c)
      const noise = noiseOf(c)
      const labels = Math.max(c.classes, 2)
      const outputs = () => ({
        probabilities: new Float32Array(labels * c.voxels),
        entropy: new Float32Array(c.voxels),
        volumes: new Uint32Array(c.samples * (labels + 1)),
        volumeStride: labels + 1,
      })
      const fast = outputs()
      const plain = outputs()
      runJobs(marginalJobs(fast, image, noise, scalesOf(undefined, c)))
      plainly(marginalJobs(plain, image, noise, scalesOf(undefined, c)))
      expectClose(fast.probabilities, plain.probabilities, 1e-6)
      fast.entropy.forEach((value, voxel) => {
        expect(Math.abs(value - plain.entropy[voxel]!)).toBeLessThan(2e-6)
      })
      expect(fast.volumes).toEqual(plain.volumes)
    })
    fc.assert(property, { numRuns: 60 })
  })

  it('agree on the loss and its gradient', () => {
    const property = fc.property(cases, (c) => {
      const image = imageOf(c)
      const noise = noiseOf(c)
      const random = (plane: number) => standardNormals(c.voxels, { seed: c.seed, plane })
      const roi = c.withRoi ? Uint8Array.from(random(7), (x) => (x > -0.5 ? 1 : 0)) : undefined
      const label = (x: number) => Math.floor(Math.abs(x) * 9) % Math.max(c.classes, 2)
      // Outside the region of interest, labels may be anything.
      const labels = Uint8Array.from(random(8), (x, index) => (roi?.[index] === 0 ? 255 : label(x)))
      const passes = () => lossPasses(image, noise, labels, roi)
      const fast = passes()
      const plain = passes()
      runJobs(fast.logLikelihoodJobs)
      plainly(plain.logLikelihoodJobs)
      // A voxel's softmax denominator, between 1 and 2, is a float32.
      expectClose(fast.logLikelihood(), plain.logLikelihood(), 2e-6, 1.2e-7 * c.voxels)

      const weights = Float64Array.from(standardNormals(noise.samples, { seed: 9 }), Math.abs)
      weights[0] = 0
      const gradients = () => ({
        mean: new Float32Array(image.mean.length),
        factor: new Float32Array(image.factor.length),
        diagonal: new Float32Array(image.diagonal.length),
      })
      const fastGradients = gradients()
      const plainGradients = gradients()
      runJobs(fast.gradientJobs(fastGradients, weights))
      plainly(plain.gradientJobs(plainGradients, weights))
      // A residual, p − 1 or p, is a float32 too.
      const absolute = 5e-7 * noise.samples
      expectClose(fastGradients.mean, plainGradients.mean, 2e-6, absolute)
      expectClose(fastGradients.factor, plainGradients.factor, 2e-6, absolute)
      expectClose(fastGradients.diagonal, plainGradients.diagonal, 4e-6, absolute)
    })
    fc.assert(property, { numRuns: 60 })
  })
})

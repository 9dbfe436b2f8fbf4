import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generalizedEnergyDistance, randomInteger, ValueError } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ambiguousShapes } from './ambiguous-shapes'
import { bestPossible } from './best-possible'
import { openDataset } from './open-dataset'
import { readPng } from './png'
import { writePngFolder } from './write-png-folder'

const voxels = 32 * 32

describe('ambiguousShapes', () => {
  it('gives a case by (seed, split, index) alone', async () => {
    const few = ambiguousShapes({ split: 'test', cases: 5, seed: 7 })
    const many = ambiguousShapes({ split: 'test', cases: 100, seed: 7, raters: 6 })
    const [a, b] = [await few.case(4), await many.case(4)]
    expect(a.image).toEqual(b.image)
    expect(a.raters).toEqual(b.raters.subarray(0, a.raters.length))
    for (const other of [
      ambiguousShapes({ split: 'train', cases: 5, seed: 7 }),
      ambiguousShapes({ split: 'test', cases: 5, seed: 8 }),
    ]) {
      expect((await other.case(4)).image).not.toEqual(a.image)
    }
  })

  it('draws raters from its modes, as often as their probabilities say', async () => {
    const raters = 1000
    const dataset = ambiguousShapes({ split: 'val', cases: 20, raters })
    let squares = 0
    let freedom = 0
    for (let index = 0; index < dataset.length; index++) {
      const modes = dataset.modes(index)
      const labels = (await dataset.case(index)).raters
      const counts = new Map(modes.map(({ labelMap }) => [labelMap.join(''), 0]))
      expect(counts.size).toBe(modes.length)
      for (let rater = 0; rater < raters; rater++) {
        const drawn = labels.subarray(rater * voxels, (rater + 1) * voxels).join('')
        expect(counts.has(drawn)).toBe(true)
        counts.set(drawn, counts.get(drawn)! + 1)
      }
      for (const { labelMap, probability } of modes) {
        const expected = probability * raters
        squares += (counts.get(labelMap.join(''))! - expected) ** 2 / expected
      }
      freedom += modes.length - 1
    }
    // Pearson's statistic: mean `freedom`, standard deviation √(2 · freedom).
    expect(Math.abs(squares - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom))
  })

  it('has probabilities that sum to 1, nested label maps and finite images, for any size and seed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 16, max: 80 }),
        fc.maxSafeNat(),
        fc.nat({ max: 1e6 }),
        async (size, seed, index) => {
          const dataset = ambiguousShapes({ split: 'train', cases: 1e7, size, seed })
          const modes = dataset.modes(index)
          expect([2, 4]).toContain(modes.length)
          expect(modes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12)
          const [least, most] = [modes[0]!.labelMap, modes.at(-1)!.labelMap]
          expect(least.includes(1)).toBe(true)
          for (const { labelMap } of modes) {
            expect(labelMap.every((label, voxel) => label >= least[voxel]! && label <= most[voxel]!)).toBe(
              true,
            )
          }
          const { image } = await dataset.case(index)
          expect(image.every((value) => value >= -0.5 && value <= 0.5)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  it.each([{ cases: 0 }, { size: 8 }, { size: 32.5 }, { raters: 0 }, { seed: -1 }])(
    'refuses %j',
    async (wrong) => {
      const read = async (): Promise<unknown> =>
        ambiguousShapes({ split: 'train', cases: 1, ...wrong }).case(0)
      await expect(read()).rejects.toBeInstanceOf(ValueError)
    },
  )
})

describe('bestPossible', () => {
  it('is what draws from the modes score on average', async () => {
    const dataset = ambiguousShapes({ split: 'test', cases: 3, seed: 1 })
    const samples = 5
    const repeats = 600
    const best = await bestPossible(dataset, { samples })
    const sums = { ged: 0, diversity: 0, raterDiversity: 0 }
    for (let index = 0; index < dataset.length; index++) {
      const modes = dataset.modes(index)
      const { raters } = await dataset.case(index)
      for (let repeat = 0; repeat < repeats; repeat++) {
        const drawn = new Uint8Array(samples * voxels)
        for (let sample = 0; sample < samples; sample++) {
          const level =
            randomInteger({ seed: 99, stream: repeat, index: sample + 100 * index }, 2 ** 32) / 2 ** 32
          const ends = modes.map((_, mode) =>
            modes.slice(0, mode + 1).reduce((sum, { probability }) => sum + probability, 0),
          )
          const mode = modes[ends.findIndex((end) => level < end)]!
          drawn.set(mode.labelMap, sample * voxels)
        }
        const score = generalizedEnergyDistance(drawn, raters, { classes: 2, voxels })
        sums.ged += score.gedSquared
        sums.diversity += score.diversity
        sums.raterDiversity += score.raterDiversity
      }
    }
    const scored = repeats * dataset.length
    expect(sums.ged / scored).toBeCloseTo(best.ged, 1.6)
    expect(sums.diversity / scored).toBeCloseTo(best.diversity, 1.6)
    expect(sums.raterDiversity / scored).toBeCloseTo(best.raterDiversity, 10)
    expect(best.gedLimit).toBeCloseTo(best.ged - best.diversity / (samples - 1), 12)
  })
})

describe('writePngFolder', () => {
  it('writes what openDataset reads back, bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-shapes-'))
    try {
      const dataset = ambiguousShapes({ split: 'train', cases: 3, size: 20 })
      await writePngFolder(dataset, join(folder, 'train'))
      const opened = await openDataset(folder, { split: 'train' })
      expect(opened).toMatchObject({ length: 3, channels: 1, classes: 2, spatial: [20, 20] })
      for (let index = 0; index < 3; index++)
        expect(await opened.case(index)).toEqual(await dataset.case(index))
      // White, so that a mask can be seen.
      const { data } = await readPng(join(folder, 'train/gt/train-00000_l0.png'))
      expect(new Set(data)).toEqual(new Set([0, 255]))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('refuses images that a PNG cannot hold', async () => {
    const dataset = ambiguousShapes({ split: 'train', cases: 1 })
    const folder = join(tmpdir(), 'stochseg-never-made')
    await expect(writePngFolder({ ...dataset, spatial: [4, 16, 16] }, folder)).rejects.toBeInstanceOf(
      ValueError,
    )
    const brighter = async (index: number) => ({
      ...(await dataset.case(index)),
      image: new Float32Array(voxels).fill(0.6),
    })
    await expect(writePngFolder({ ...dataset, case: brighter }, folder)).rejects.toThrow(/intensity 0\.6/)
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { localKernels } from '../kernels/kernel-module'
import { type CountedMaps, completed, overlapTally } from './overlap-counts'
import { plainOverlapTally } from './plain-overlap-tally'

/** By the definition, one pair and voxel after another. */
function sharedVoxels({ maps, classes, roi }: CountedMaps): number[] {
  const counts: number[] = []
  for (let label = 1; label < classes; label++) {
    for (const a of maps) {
      for (const b of maps) {
        counts.push(
          a.filter((value, voxel) => value === label && b[voxel] === label && roi?.[voxel] !== 0).length,
        )
      }
    }
  }
  return counts
}

/** Maps that follow one another for runs of voxels and then part, over several of the kernel's runs and planes. */
const counted = fc
  .record({
    voxels: fc.oneof(fc.nat(70), fc.constantFrom(2047, 2048, 2049, 4095, 4096, 4097, 9000)),
    count: fc.integer({ min: 1, max: 5 }),
    classes: fc.constantFrom(2, 3, 4, 7, 256),
    agreement: fc.constantFrom(0, 0.5, 0.99, 1),
    seed: fc.nat(),
    masked: fc.boolean(),
  })
  .map(({ voxels, count, classes, agreement, seed, masked }): CountedMaps => {
    const random = generator(seed)
    const label = (): number => Math.floor(random() * classes)
    const first = new Uint8Array(voxels)
    for (let voxel = 0; voxel < voxels; voxel++)
      first[voxel] = random() < 0.9 && voxel > 0 ? first[voxel - 1]! : label()
    const maps = Array.from({ length: count }, () =>
      first.map((value) => (random() < agreement ? value : label())),
    )
    return { maps, classes, ...(masked && { roi: first.map(() => Math.floor(random() * 3)) }) }
  })

function generator(seed: number): () => number {
  let state = seed % 2147483646
  return () => {
    state = ((state + 1) * 48271) % 2147483647
    return state / 2147483647
  }
}

it('counts what the definition says, in WebAssembly and in plain TypeScript', () => {
  fc.assert(
    fc.property(counted, (input) => {
      const kernel = completed(overlapTally(input, localKernels()!), input)
      expect(completed(plainOverlapTally(input), input)).toEqual(kernel)
      if (input.maps[0]!.length * input.classes < 20_000)
        expect([...kernel.shared]).toEqual(sharedVoxels(input))
      const inside = input.maps.flatMap((map) => [...map].filter((_, voxel) => input.roi?.[voxel] !== 0))
      expect(kernel.largest).toBe(inside.reduce((largest, label) => Math.max(largest, label), 0))
    }),
    { numRuns: 200 },
  )
})

it('counts planes in which every bit is set', () => {
  const voxels = 20_000
  const maps = [1, 1, 2].map((label) => new Uint8Array(voxels).fill(label))
  const { shared } = completed(overlapTally({ maps, classes: 3 }, localKernels()!), { maps, classes: 3 })
  const [all, none] = [voxels, 0]
  expect([...shared]).toEqual([
    all,
    all,
    none,
    all,
    all,
    none,
    none,
    none,
    none,
    ...[0, 0, 0, 0, 0, 0, 0, 0, all],
  ])
})

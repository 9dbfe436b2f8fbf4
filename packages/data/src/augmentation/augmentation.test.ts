import { randomInteger, ShapeError, type SizedCase, ValueError, voxelCount } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { augmentation } from './augmentation'
import { type AugmentationOptions, bratsAugmentation, lidcAugmentation } from './augmentation-options'

/** Channel a of voxel v is v's coordinate on axis a, so that an augmented case shows where its voxels come from. */
function coordinateCase(spatial: readonly number[]): SizedCase {
  const voxels = voxelCount(spatial)
  const strides = spatial.map((_, axis) => voxelCount(spatial.slice(axis + 1)))
  const image = Float32Array.from({ length: spatial.length * voxels }, (_, at) => {
    const axis = Math.floor(at / voxels)
    return Math.floor((at % voxels) / strides[axis]!) % spatial[axis]!
  })
  const labels = (bound: number, stream: number): Uint8Array =>
    Uint8Array.from({ length: voxels }, (_, index) => randomInteger({ seed: 1, stream, index }, bound))
  const raters = Uint8Array.from([...labels(4, 0), ...labels(4, 1)])
  return { id: 'coordinates', channels: spatial.length, spatial, image, raters, roi: labels(2, 2) }
}

const run = (options: AugmentationOptions, item: SizedCase, position = 0): SizedCase =>
  augmentation(options)(item, { seed: 3, position }) as SizedCase

/** How a voxel's origin on `axis` changes from one voxel to the next, along each axis. */
function slopes({ image, spatial }: SizedCase, from: readonly number[], axis: number): number[] {
  const voxels = voxelCount(spatial)
  const at = (index: readonly number[]): number => index.reduce((sum, i, a) => sum * spatial[a]! + i, 0)
  return from.map((_, along) => {
    const next = from.map((i, a) => (a === along ? i + 1 : i))
    return image[axis * voxels + at(next)]! - image[axis * voxels + at(from)]!
  })
}

describe('augmentation', () => {
  const shapes = fc.constantFrom([12, 12], [9, 14], [7, 7, 7], [5, 8, 6], [6, 9, 9])
  const anything: fc.Arbitrary<AugmentationOptions> = fc.record(
    {
      rotation: fc.record({ degrees: fc.double({ min: 0, max: 180, noNaN: true }) }),
      crop: fc.record({ smallest: fc.double({ min: 0.3, max: 1, noNaN: true }) }),
      flips: fc.constant({}),
      rightAngles: fc.constant({}),
      elastic: fc.record({ alpha: fc.double({ min: 0, max: 3, noNaN: true }) }),
    },
    { requiredKeys: [] },
  )

  it.each([{}, { flips: { probability: 0 } }, { rotation: { degrees: 9, probability: 0 } }])(
    'gives a case back as it is where nothing happens: %o',
    (options) => {
      const item = coordinateCase([6, 6])
      expect(run(options, item)).toBe(item)
    },
  )

  it('moves image, raters and region of interest alike', () => {
    fc.assert(
      fc.property(shapes, anything, fc.nat(), (spatial, options, position) => {
        const plain = coordinateCase(spatial)
        const voxels = voxelCount(spatial)
        // The labels once more as intensities: where all neighbours agree, so must the label.
        const image = Float32Array.from([...plain.raters, ...plain.roi!])
        const item: SizedCase = { ...plain, channels: 3, image }
        const { image: moved, raters, roi } = run(options, item, position)
        const { image: places } = run(options, plain, position)
        const labels = [...raters, ...roi!]
        for (let voxel = 0; voxel < voxels; voxel++) {
          const place = spatial.map((_, axis) => places[axis * voxels + voxel]!)
          const edge = place.some((at, axis) => at <= 0 || at >= spatial[axis]! - 1)
          const fraction = Math.max(...place.map((at) => Math.abs(at - Math.round(at))))
          if (edge || fraction > 0.49) continue
          const source = place.reduce((sum, at, axis) => sum * spatial[axis]! + Math.round(at), 0)
          for (let channel = 0; channel < 3; channel++) {
            const label = labels[channel * voxels + voxel]!
            expect(label).toBe(image[channel * voxels + source])
            if (fraction < 1e-6) expect(moved[channel * voxels + voxel]).toBeCloseTo(label, 4)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('labels what comes from beyond the image 0, and takes it out of the region of interest', () => {
    const voxels = 15 * 15
    const item: SizedCase = {
      id: 'full',
      channels: 1,
      spatial: [15, 15],
      image: new Float32Array(voxels).fill(0.25),
      raters: new Uint8Array(voxels).fill(3),
      roi: new Uint8Array(voxels).fill(1),
    }
    const positions = [...Array(9).keys()]
    const turned = positions.map((position) => run({ rotation: { degrees: 60 } }, item, position))
    for (const { image, raters, roi } of turned) {
      expect(image).toEqual(item.image)
      expect(raters).toEqual(roi!.map((inside) => 3 * inside))
    }
    const lost = Math.max(...turned.map(({ roi }) => roi!.filter((inside) => inside === 0).length))
    // At 45° four corners stick out: 2(√2 − 1)² = 34 % of the square's area.
    expect(lost).toBeGreaterThan(20)
    expect(lost).toBeLessThan(0.35 * voxels)
    expect(item.raters).toEqual(new Uint8Array(voxels).fill(3))
  })

  describe('flips', () => {
    it('are exact', () => {
      const item = coordinateCase([5, 7])
      const { image, raters, roi } = run({ flips: { axes: [1], probability: 1 } }, item)
      const mirrored = <T extends Float32Array | Uint8Array>(values: T): T =>
        values.map((_, at) => values[at - (at % 7) + 6 - (at % 7)]!) as T
      expect(image).toEqual(mirrored(item.image))
      expect(raters).toEqual(mirrored(item.raters))
      expect(roi).toEqual(mirrored(item.roi!))
    })

    it('undo themselves, along all axes', () => {
      const item = coordinateCase([3, 4, 5])
      const once = run({ flips: { probability: 1 } }, item)
      expect([...once.raters]).toEqual(
        [0, 60].flatMap((from) => [...item.raters.slice(from, from + 60)].reverse()),
      )
      expect(run({ flips: { probability: 1 } }, once)).toEqual(item)
    })

    it('are drawn for each axis', () => {
      const seen = new Set(
        Array.from({ length: 60 }, (_, position) =>
          String(run({ flips: {} }, coordinateCase([2, 2, 2]), position).raters),
        ),
      )
      expect(seen.size).toBe(8)
    })

    it('refuse axes that a case has not', () => {
      expect(() => run({ flips: { axes: [2] } }, coordinateCase([4, 4]))).toThrow(ValueError)
    })
  })

  describe('right angles', () => {
    it.each([
      { spatial: [4, 4], rotations: 4, order: 4 },
      { spatial: [3, 4], rotations: 2, order: 2 },
      { spatial: [3, 3, 3], rotations: 24, order: 12 },
      { spatial: [2, 4, 4], rotations: 8, order: 4 },
      { spatial: [2, 3, 4], rotations: 4, order: 2 },
    ])('of $spatial are $rotations, and end where they began', ({ spatial, rotations, order }) => {
      const item = coordinateCase(spatial)
      const seen = new Map<string, number>()
      for (let position = 0; position < 40 * rotations; position++) {
        const turned = run({ rightAngles: {} }, item, position)
        const key = String(turned.image)
        seen.set(key, (seen.get(key) ?? 0) + 1)
        if (position >= rotations) continue
        let again = turned
        for (let times = 1; times < order; times++) again = run({ rightAngles: {} }, again, position)
        expect(again).toEqual(item)
      }
      expect(seen.size).toBe(rotations)
      expect(Math.min(...seen.values())).toBeGreaterThan(15)
    })

    it('turn, and do not mirror', () => {
      const item = coordinateCase([5, 5, 5])
      for (let position = 0; position < 24; position++) {
        const turned = run({ rightAngles: {} }, item, position)
        const [a, b, c] = [0, 1, 2].map((axis) => slopes(turned, [2, 2, 2], axis)) as [
          number[],
          number[],
          number[],
        ]
        expect(determinant(a, b, c)).toBe(1)
      }
    })
  })

  describe('rotation', () => {
    it('turns a picture of its own coordinates by an angle within the range', () => {
      const item = coordinateCase([41, 41])
      const angles = Array.from({ length: 300 }, (_, position) => {
        const turned = run({ rotation: { degrees: 10 } }, item, position)
        const [down, right] = slopes(turned, [20, 20], 0) as [number, number]
        expect(slopes(turned, [20, 20], 1)).toEqual([expect.closeTo(-right, 4), expect.closeTo(down, 4)])
        expect(down * down + right * right).toBeCloseTo(1, 4)
        expect(turned.image[20 * 41 + 20]).toBeCloseTo(20, 4)
        return (Math.atan2(right, down) * 180) / Math.PI
      })
      expect(Math.max(...angles)).toBeLessThan(10.001)
      expect(Math.max(...angles)).toBeGreaterThan(9.5)
      expect(Math.min(...angles)).toBeLessThan(-9.5)
      expect(Math.min(...angles)).toBeGreaterThan(-10.001)
    })

    it('is rigid in 3D', () => {
      for (let position = 0; position < 20; position++) {
        const turned = run({ rotation: { degrees: 90 } }, coordinateCase([11, 11, 11]), position)
        const rows = [0, 1, 2].map((axis) => slopes(turned, [5, 5, 5], axis)) as [
          number[],
          number[],
          number[],
        ]
        for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 4)
        expect(determinant(...rows)).toBeCloseTo(1, 4)
      }
    })

    it('keeps the area of a disc about the middle, and of one beside it', () => {
      for (const centre of [31.5, 24]) {
        const inside = (voxel: number): number =>
          (Math.floor(voxel / 64) - centre) ** 2 + ((voxel % 64) - centre) ** 2 < 144 ? 1 : 0
        const image = Float32Array.from({ length: 4096 }, (_, voxel) => inside(voxel))
        const disc = { id: 'disc', channels: 1, spatial: [64, 64], image, raters: Uint8Array.from(image) }
        for (let position = 0; position < 20; position++) {
          const { image: grey, raters } = run({ rotation: { degrees: 180 } }, disc, position)
          const area = (values: ArrayLike<number>): number =>
            Array.from(values).reduce((sum, value) => sum + value, 0)
          expect(Math.abs(area(raters) / area(disc.raters) - 1)).toBeLessThan(0.02)
          expect(Math.abs(area(grey) / area(disc.raters) - 1)).toBeLessThan(0.01)
        }
      }
    })
  })

  it('crops a square of the fraction asked for, at any place within the image', () => {
    const item = coordinateCase([32, 48])
    const sides: number[] = []
    const places: number[] = []
    for (let position = 0; position < 200; position++) {
      const { image } = run({ crop: { smallest: 0.5 } }, item, position)
      const [top, bottom] = [image[24]!, image[24 + 31 * 48]!]
      const side = (bottom - top) / 31
      const [left, right] = [image[32 * 48 + 48 * 16]!, image[32 * 48 + 48 * 16 + 47]!]
      expect((right - left) / 47).toBeCloseTo(side, 1)
      sides.push(side)
      places.push((top + 0.5 - side / 2) / 32)
    }
    expect(Math.min(...sides)).toBeGreaterThan(0.49)
    expect(Math.min(...sides)).toBeLessThan(0.53)
    expect(Math.max(...sides)).toBeGreaterThan(0.97)
    expect(Math.max(...sides)).toBeLessThan(1.001)
    expect(Math.min(...places)).toBeGreaterThan(-0.01)
    expect(Math.max(...places)).toBeGreaterThan(0.4)
    expect(Math.max(...places)).toBeLessThan(0.501)
  })

  describe('elastic', () => {
    it('moves no voxel further than alpha, smoothly, and folds no axis over', () => {
      for (const spatial of [
        [40, 56],
        [24, 30, 36],
      ]) {
        const item = coordinateCase(spatial)
        const voxels = voxelCount(spatial)
        let squares = 0
        for (let position = 0; position < 10; position++) {
          const { image } = run({ elastic: { alpha: 4 } }, item, position)
          const along = image.map((at, index) => at - item.image[index]!)
          expect(Math.max(...along.map(Math.abs))).toBeLessThan(4)
          expect(Math.max(...along.map(Math.abs))).toBeGreaterThan(0.5)
          for (const axis of spatial.keys()) {
            const stride = voxelCount(spatial.slice(axis + 1))
            const last = spatial[axis]! - 1
            let [least, most] = [Infinity, -Infinity]
            for (let voxel = 0; voxel < voxels; voxel++) {
              const at = axis * voxels + voxel
              squares += along[at]! ** 2 / spatial.length
              if (item.image[at] === last || image[at] === 0 || image[at + stride] === last) continue
              least = Math.min(least, image[at + stride]! - image[at]!)
              most = Math.max(most, image[at + stride]! - image[at]!)
            }
            expect(least).toBeGreaterThanOrEqual(0)
            expect(least).toBeLessThan(0.97)
            expect(most).toBeGreaterThan(1.03)
            expect(most).toBeLessThan(2)
          }
        }
        const expected = 4 * (spatial.length === 2 ? 0.277 : 0.191)
        expect(Math.sqrt(squares / voxels / 10) / expected).toBeGreaterThan(0.8)
        expect(Math.sqrt(squares / voxels / 10) / expected).toBeLessThan(1.2)
      }
    })
  })

  describe('intensity', () => {
    it('scales and shifts each channel, and moves nothing', () => {
      const item = coordinateCase([4, 5, 6])
      const options = { intensity: { scaleDeviation: 0.01, shift: [0, 0.05] } } as const
      const scales: number[] = []
      const shifts: number[] = []
      for (let position = 0; position < 300; position++) {
        const { image, raters, roi } = run(options, item, position)
        expect(raters).toBe(item.raters)
        expect(roi).toBe(item.roi)
        for (const [channel, length] of [4, 5, 6].entries()) {
          const values = image.subarray(120 * channel, 120 * (channel + 1))
          shifts.push(values[0]!)
          scales.push((values[119]! - values[0]!) / (length - 1))
        }
      }
      const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
      expect(mean(scales)).toBeCloseTo(1, 2)
      expect(Math.sqrt(mean(scales.map((scale) => (scale - 1) ** 2)))).toBeCloseTo(0.01, 3)
      expect(Math.min(...shifts)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...shifts)).toBeLessThan(0.05)
      expect(mean(shifts)).toBeCloseTo(0.025, 2)
      expect(new Set(shifts).size).toBe(900)
    })
  })

  it('gives in one resampling what one change after the other would give', () => {
    // Coordinates are linear, so that interpolating them several times loses nothing away from the edge.
    for (const spatial of [
      [31, 31],
      [15, 15, 15],
    ]) {
      const item = coordinateCase(spatial)
      const all = { rotation: { degrees: 40 }, crop: { smallest: 0.5 }, flips: {}, rightAngles: {} }
      const middle = spatial.reduce((index, size) => index * size + (size - 1) / 2, 0)
      for (let position = 0; position < 30; position++) {
        const at = { seed: 3, position }
        let stepwise = item
        for (const [kind, options] of Object.entries(all)) {
          stepwise = augmentation({ [kind]: options })(stepwise, at) as SizedCase
        }
        const together = augmentation(all)(item, at) as SizedCase
        for (const axis of spatial.keys()) {
          const voxel = axis * voxelCount(spatial) + middle
          expect(together.image[voxel]).toBeCloseTo(stepwise.image[voxel]!, 3)
          const centre = spatial.map((size) => (size - 1) / 2)
          for (const [along, slope] of slopes(together, centre, axis).entries()) {
            expect(slope).toBeCloseTo(slopes(stepwise, centre, axis)[along]!, 3)
          }
        }
      }
    }
  })

  it('is a function of seed and position', () => {
    const item = coordinateCase([9, 9])
    const options = { ...lidcAugmentation, ...bratsAugmentation }
    const results = Array.from({ length: 50 }, (_, position) => run(options, item, position))
    expect(new Set(results.map(({ image }) => String(image))).size).toBe(50)
    expect(run(options, item, 17)).toEqual(results[17])
    expect(run(options, item, 2 ** 40)).not.toEqual(run(options, item, 0))
    expect(augmentation(options)(item, { seed: 2 ** 40, position: 0 })).not.toEqual(results[0])
  })

  it('draws each kind of change independently of the others', () => {
    const item = coordinateCase([9, 9])
    const turned = run({ rotation: { degrees: 30 } }, item, 5)
    const scaled = run({ rotation: { degrees: 30 }, intensity: { shift: [1, 1] } }, item, 5)
    expect(scaled.image).toEqual(turned.image.map((value) => value + 1))
  })

  it('does half of the LIDC changes to half of the cases', () => {
    const item = coordinateCase([16, 16])
    const untouched = Array.from({ length: 400 }, (_, position) =>
      run(lidcAugmentation, item, position),
    ).filter((result) => result === item)
    expect(untouched.length / 400).toBeCloseTo(0.25, 1)
  })

  it.each<[AugmentationOptions, string]>([
    [{ rotation: { degrees: 200 } }, 'rotation.degrees'],
    [{ rotation: { degrees: 10, probability: 1.5 } }, 'rotation.probability'],
    [{ crop: { smallest: 0 } }, 'crop.smallest'],
    [{ flips: { axes: [0.5] } }, 'flips.axes'],
    [{ elastic: { alpha: Number.NaN } }, 'elastic.alpha'],
    [{ elastic: { alpha: 1, spacing: 0 } }, 'elastic.spacing'],
    [{ intensity: { shift: [1, 0] } }, 'intensity.shift'],
    [{ rotation: {} } as AugmentationOptions, 'rotation.degrees'],
    [{ rotation: { angle: 3, degrees: 3 } } as AugmentationOptions, 'rotation.angle'],
    [{ zoom: {} } as AugmentationOptions, 'zoom'],
    [{ rotation: null } as unknown as AugmentationOptions, 'rotation'],
    [{ rightAngles: true } as unknown as AugmentationOptions, 'rightAngles'],
    [{ flips: { axes: 0 } } as unknown as AugmentationOptions, 'flips.axes'],
    [{ elastic: { alpha: [5] } } as unknown as AugmentationOptions, 'elastic.alpha'],
    [[] as unknown as AugmentationOptions, 'options'],
  ])('refuses %o', (options, name) => {
    expect(() => augmentation(options)).toThrow(name)
    expect(() => augmentation(options)).toThrow(ValueError)
  })

  it('refuses cases that are neither images nor volumes', () => {
    const line = { id: 'a', channels: 1, spatial: [9], image: new Float32Array(9), raters: new Uint8Array(9) }
    expect(() => run({ flips: {} }, line)).toThrow(ShapeError)
  })
})

function determinant(a: readonly number[], b: readonly number[], c: readonly number[]): number {
  return (
    a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
    a[1]! * (b[0]! * c[2]! - b[2]! * c[0]!) +
    a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)
  )
}

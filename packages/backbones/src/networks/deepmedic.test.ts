import { ssnHead, standardNormals } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { interpretSpec } from '../reference/reference-interpreter'
import { geometryOf } from '../spec/geometry'
import { tensorShapes } from '../spec/tensor-shapes'
import { initialWeights } from '../weights/initial-weights'
import { parameterCount, parametersOf } from '../weights/parameters'
import { deepmedic, deepmedicBrats, patchSizes } from './deepmedic'

const deterministic = ssnHead({ kind: 'deterministic', classes: 4 })
const lowRank = ssnHead({ classes: 4, rank: 10 })

describe('deepmedicBrats', () => {
  it("has the paper's number of parameters: 1,037,064 deterministic, 1,051,012 with the rank-10 head", () => {
    expect(parameterCount(deepmedicBrats({ deterministic: true }), deterministic)).toBe(1_037_064)
    expect(parameterCount(deepmedicBrats(), lowRank)).toBe(1_051_012)
  })

  it('gives 30³ from 110³ and 60³ from 140³, and sees 81 voxels', () => {
    const geometry = geometryOf(deepmedicBrats())
    expect(geometry.outputSize([110, 140, 110])).toEqual([30, 60, 30])
    expect(geometry.receptiveField).toEqual([81, 81, 81])
    expect(geometry.multipleOf).toEqual([15, 15, 15])
    expect(geometry.minimumSize).toEqual([95, 95, 95])
  })

  it('reads 110³, 78³ and 46³ for 30³', () => {
    const shapes = tensorShapes(deepmedicBrats(), [110, 110, 140])
    expect(shapes.get('path0.shrunk')).toEqual([4, 22, 22, 28])
    expect(shapes.get('path1.middle')).toEqual([4, 78, 78, 108])
    expect(shapes.get('path2.middle')).toEqual([4, 46, 46, 76])
    expect(shapes.get('joint.concat')).toEqual([150, 30, 30, 60])
    expect(shapes.get(deepmedicBrats().features)).toEqual([50, 30, 30, 60])
  })

  it('normalises nothing before the first convolution, adds where channels stay, drops out where it says', () => {
    const nodes = deepmedicBrats().nodes.map(({ name }) => name)
    const path = nodes.filter((name) => name.startsWith('path2.'))
    expect(path.slice(0, 5)).toEqual([
      'path2.middle',
      'path2.block0.conv',
      'path2.block1.norm',
      'path2.block1.prelu',
      'path2.block1.conv',
    ])
    expect(path.filter((name) => name.endsWith('.sum'))).toEqual(
      [1, 3, 4, 5, 7].map((block) => `path2.block${block}.sum`),
    )
    expect(nodes.filter((name) => name.startsWith('joint.'))).toEqual([
      ...['joint.concat', 'joint.block0.norm', 'joint.block0.prelu', 'joint.block0.conv'],
      ...['norm', 'dropout', 'prelu', 'conv', 'sum'].map((part) => `joint.block1.${part}`),
      ...['norm', 'dropout', 'prelu', 'conv'].map((part) => `joint.block2.${part}`),
      'joint.relu',
    ])
  })

  it('ends in the head itself without bias where it is deterministic', () => {
    const spec = deepmedicBrats({ deterministic: true })
    const names = parametersOf(spec, deterministic).map(({ name }) => name)
    expect(spec.features).toBe('joint.block2.prelu')
    expect(names.filter((name) => name.startsWith('head.'))).toEqual(['head.mean.weight'])
  })
})

describe('deepmedic', () => {
  /** The voxels of an image that reach a voxel of the features. */
  const seen = (options: object, length: number, voxel: number): number[] => {
    const spec = deepmedic({
      dimensions: 2,
      inputChannels: 1,
      widths: [2, 2],
      jointWidths: [3],
      dropout: [0, 0],
      ...options,
    })
    const weights = initialWeights(spec, ssnHead({ classes: 2 }), { seed: 3 })
    const features = (changed?: number): number[] => {
      const data = new Float64Array(length * length).fill(1)
      if (changed !== undefined) for (let row = 0; row < length; row++) data[row * length + changed] = 2
      const image = { shape: [1, 1, length, length], data }
      const tensors = interpretSpec(spec, weights, new Map([['image', image]]))
      const output = tensors.get('joint.concat')!
      const width = output.shape[3]!
      return [...output.data].filter((_, index) => index % width === voxel)
    }
    const plain = features()
    return Array.from({ length }, (_, index) => index).filter((index) =>
      features(index).some((value, place) => value !== plain[place]),
    )
  }

  it('has its output in the middle of its input: every pathway sees around the same voxel', () => {
    // Two convolutions: the output begins 2 · 3 voxels inside; its first voxel sees itself ± 2 and, by the block of
    // three whose middle is voxel 7, the voxels 1, 4, 7, 10, 13.
    expect(seen({ scaleFactors: [3, 1] }, 15, 0)).toEqual([1, 4, 5, 6, 7, 8, 10, 13])
    expect(seen({ scaleFactors: [3, 1] }, 15, 2)).toEqual([1, 4, 6, 7, 8, 9, 10, 13])
  })

  it('gives in tiles what it gives at once', () => {
    const spec = deepmedic({ dimensions: 2, inputChannels: 2, widths: [3, 3, 4], jointWidths: [5, 5] })
    const weights = initialWeights(spec, lowRank, { seed: 1 })
    const margin = 15
    const size = 60 + 2 * margin
    const data = Float64Array.from(standardNormals(2 * size * size, { seed: 2 }))
    const cut = (top: number, left: number, length: number): Float64Array => {
      const rows = Array.from({ length: 2 * length }, (_, row) => {
        const start = (Math.floor(row / length) * size + top + (row % length)) * size + left
        return [...data.subarray(start, start + length)]
      })
      return Float64Array.from(rows.flat())
    }
    const features = (
      image: Float64Array,
      length: number,
    ): { shape: readonly number[]; data: Float64Array } =>
      interpretSpec(spec, weights, new Map([['image', { shape: [1, 2, length, length], data: image }]])).get(
        spec.features,
      )!
    const whole = features(data, size)
    expect(whole.shape).toEqual([1, 4, 60, 60])
    for (const [top, left] of [
      [0, 0],
      [0, 30],
      [30, 0],
      [30, 30],
    ] as const) {
      const tile = features(cut(top, left, 30 + 2 * margin), 30 + 2 * margin)
      tile.data.forEach((value, index) => {
        const [c, row, column] = [Math.floor(index / 900), Math.floor(index / 30) % 30, index % 30]
        expect(value).toBe(whole.data[(c * 60 + top + row) * 60 + left + column])
      })
    }
  })

  it('refuses options that make no DeepMedic', () => {
    expect(() => deepmedic({ inputChannels: 1, scaleFactors: [1, 3] })).toThrow(/\[1,3\]/)
    expect(() => deepmedic({ inputChannels: 1, widths: [] })).toThrow(/0 widths/)
    expect(() => deepmedic({ inputChannels: 1, jointWidths: [4] })).toThrow(/3 rates for 1/)
    expect(() => deepmedic({ inputChannels: 1, dropout: [0, 0, -0.5] })).toThrow(/rate -0.5/)
    expect(() => deepmedic({ inputChannels: 1, featureWidth: -1 })).toThrow(/channels -1/)
  })
})

describe('patchSizes', () => {
  it("gives the paper's sizes", () => {
    expect(patchSizes([30, 30, 30])).toEqual([110, 78, 46].map((length) => [length, length, length]))
    expect(patchSizes([60, 60, 30])).toEqual([
      [140, 140, 110],
      [108, 108, 78],
      [76, 76, 46],
    ])
  })

  it.each([[[4, 3]], [[5, 3, 3]], [[8, 5]], [[4]]])(
    'are sizes that the network takes, its output in their middle: scale factors %j',
    (scaleFactors) => {
      const widths = [2, 3]
      const shape = { inputChannels: 1, scaleFactors, widths, jointWidths: [], dropout: [0] }
      const { multipleOf, minimumSize, outputSize } = geometryOf(deepmedic(shape))
      const output = multipleOf.map((step) => 2 * step)
      const [image] = patchSizes(output, shape)
      expect(outputSize(image!)).toEqual(output)
      expect(minimumSize).toEqual(image!.map((length, axis) => length - multipleOf[axis]!))
    },
  )

  it('names the next size that fits', () => {
    expect(() => patchSizes([30, 31, 0])).toThrow(/multiples of 15.*Take 30 × 45 × 15/)
  })
})

import { interpretNetwork, type ReferenceTensor } from '@stochseg/backbones'
import { ModelError, ShapeError, ssnHead, ValueError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { relativeError } from '../../../scripts/expect-close'
import { type ExportOptions, exportOnnx } from './export-onnx'
import { everyOperation, randomImages, randomWeights } from './random-network'
import { runOnnx } from './run-onnx'

const spec = everyOperation(3)
const head = ssnHead({ classes: 2, rank: 2 })
const weights = randomWeights(spec, head, 4)
const size = [6, 9, 7]
const image = { shape: [1, 2, ...size], data: randomImages(1, 2, size) }

type Outputs = Record<'mean' | 'factor' | 'diagonal', ReferenceTensor>
const expected: Outputs = interpretNetwork(
  { spec, head },
  weights,
  new Map([['image', { shape: image.shape, data: Float64Array.from(image.data) }]]),
)

async function errors(options: Partial<ExportOptions>): Promise<number> {
  const found = await runOnnx(exportOnnx({ spec, head, weights, ...options }), { image })
  const parts = ['mean', 'factor', 'diagonal'] as const
  return Math.max(...parts.map((part) => relativeError(found[part]!.data, expected[part].data)))
}

describe('options of the export', () => {
  it.each([13, 14, 15, 16, 17, 18, 19, 20, 21, 22])(
    'operator set %i computes the same',
    async (operatorSet) => {
      expect(await errors({ operatorSet })).toBeLessThan(5e-6)
    },
  )

  it('float16 weights halve the kernels, at an error of about a thousandth', async () => {
    const error = await errors({ float16Weights: true })
    expect(error).toBeGreaterThan(1e-5)
    expect(error).toBeLessThan(2e-3)
    const bytes = (float16Weights: boolean): number =>
      exportOnnx({ spec, head, weights, float16Weights }).length
    const kernels = [...weights.values()].filter(({ shape }) => shape.length >= 3)
    const values = kernels.reduce((sum, { data }) => sum + data.length, 0)
    // A Cast for each kernel takes some of it back.
    expect(bytes(false) - bytes(true)).toBeGreaterThan(2 * values - 200 * kernels.length)
  })

  it('float16 refuses a weight that it cannot hold', () => {
    const large = new Map(weights)
    const { shape, data } = weights.get('a.weight')!
    large.set('a.weight', { shape, data: data.map((value, index) => (index === 3 ? 70000 : value)) })
    const run = (): unknown => exportOnnx({ spec, head, weights: large, float16Weights: true })
    expect(run).toThrow(ModelError)
    expect(run).toThrow(/'a.weight': found 70000 at index 3/)
  })

  it('fixed sizes hold for inputs and outputs', async () => {
    expect(await errors({ fixed: { batch: 1, spatial: size } })).toBeLessThan(5e-6)
    const bytes = exportOnnx({ spec, head, weights, fixed: { spatial: size } })
    const other = { shape: [1, 2, 6, 9, 8], data: new Float32Array(2 * 6 * 9 * 8) }
    await expect(runOnnx(bytes, { image: other })).rejects.toThrow(/invalid dimensions/i)
  })

  it('refuses what is out of range', () => {
    const refused = (options: Partial<ExportOptions>): (() => unknown) => {
      return () => exportOnnx({ spec, head, weights, ...options })
    }
    expect(refused({ operatorSet: 12 })).toThrow(ValueError)
    expect(refused({ operatorSet: 23 })).toThrow(/from 13 to 22/)
    expect(refused({ fixed: { batch: 0 } })).toThrow(ValueError)
    expect(refused({ fixed: { spatial: [5, 9, 7] } })).toThrow(ShapeError)
  })
})

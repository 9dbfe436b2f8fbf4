import { deepmedic, patchSizes } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { expect, it } from 'vitest'
import { exportOnnx } from './export-onnx'
import { OnnxSegmenter } from './onnx-segmenter'
import { randomImages, randomWeights } from './random-network'

/** Voxels `[corner, corner + length)` along each axis of planes `[*, size³]`. */
function block(planes: Float32Array, size: number, corner: readonly number[], length: number): Float32Array {
  const [z0, y0, x0] = corner as [number, number, number]
  const count = planes.length / size ** 3
  const result = new Float32Array(count * length ** 3)
  let written = 0
  for (let plane = 0; plane < count; plane++) {
    for (let z = 0; z < length; z++) {
      for (let y = 0; y < length; y++) {
        const start = ((plane * size + z0 + z) * size + y0 + y) * size + x0
        result.set(planes.subarray(start, start + length), written)
        written += length
      }
    }
  }
  return result
}

it("is fully convolutional: DeepMedic's 30³ tiles are its 60³ output to float rounding", async () => {
  // The paper's geometry at a reduced width.
  const widths = [4, 4, 4, 4, 4, 4, 5, 5]
  const spec = deepmedic({ inputChannels: 2, widths, jointWidths: [8, 8] })
  const head = ssnHead({ classes: 2, rank: 2 })
  // Without training, sums over residual connections grow: keep exp(log-diagonal) finite.
  const weights = new Map(
    [...randomWeights(spec, head, 3)].map(([name, { shape, data }]) => [
      name,
      { shape, data: name === 'head.logDiagonal.weight' ? data.map((value) => value / 100) : data },
    ]),
  )
  const segmenter = await OnnxSegmenter.load(exportOnnx({ spec, head, weights }))
  const [large, small] = [60, 30].map((output) => patchSizes([output, output, output])[0]![0]!)
  const image = randomImages(1, 2, [large!, large!, large!])
  const whole = await segmenter.predict(image, 1, [large!, large!, large!])
  expect(whole.spatial).toEqual([60, 60, 60])

  const largest = (values: Float32Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  for (const corner of [
    [0, 0, 0],
    [30, 0, 30],
    [30, 30, 30],
    [15, 0, 15],
  ]) {
    const tile = await segmenter.predict(block(image, large!, corner, small!), 1, [small!, small!, small!])
    for (const part of ['mean', 'factor', 'diagonal'] as const) {
      const expected = block(whole[part], 60, corner, 30)
      const difference = tile[part].map((value, index) => value - expected[index]!)
      expect(largest(difference)).toBeLessThan(1e-5 * largest(expected))
    }
  }
  await segmenter.dispose()
})

// Label maps must not show where tiles meet: labels change there as often as elsewhere.
import { expect, test } from 'vitest'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { standardNormals } from '../noise/draw-noise'
import { sampleLabelMaps } from '../sampling/sample-label-maps'
import { boxNetwork } from './box-network'
import { type Predict, predictWholeImage, type WholeImages } from './predict-whole-image'

const HEIGHT = 96
/** Tiles lie side by side and begin at multiples of it. */
const STRIDE = 16
/** The left column of neighbours that lie in two tiles which do not overlap. */
const BORDER = [STRIDE - 1]

/** How often labels of neighbours in a row differ, at some columns of every tile, over how often they do elsewhere. */
function changesRatio(labelMaps: Uint8Array, width: number, columns: readonly number[]): number {
  const changed = { here: 0, elsewhere: 0 }
  const all = { here: 0, elsewhere: 0 }
  for (let index = 0; index < labelMaps.length; index++) {
    const column = index % width
    if (column === width - 1) continue
    const place = columns.includes(column % STRIDE) ? 'here' : 'elsewhere'
    changed[place] += Number(labelMaps[index] !== labelMaps[index + 1])
    all[place]++
  }
  return changed.here / all.here / (changed.elsewhere / all.elsewhere)
}

/** A network whose samples are large regions: the factor leads the mean. */
function coherent(predict: Predict): Predict {
  return async (images, batch, spatial) => {
    const parameters = await predict(images, batch, spatial)
    return {
      ...parameters,
      mean: parameters.mean.map((value) => 0.1 * value),
      factor: parameters.factor.map((value) => 3 * value),
      diagonal: parameters.diagonal.fill(1e-5),
    }
  }
}

function greyImage(width: number): WholeImages {
  const images = standardNormals(HEIGHT * width, { seed: 8 }).map((value) => 1 + 0.2 * value)
  return { images, batch: 1, spatial: [HEIGHT, width] }
}

const draw = (distribution: LogitDistribution, seed: number): Uint8Array =>
  sampleLabelMaps(distribution, { samples: 40, seed })

test('valid convolutions: one z for the whole image leaves no seams, one for each tile would', async () => {
  const { geometry, predict } = boxNetwork('valid', { dimensions: 2, radius: 1 })
  const [width, tiles] = [6 * STRIDE, 6]
  const options = { geometry, tile: [HEIGHT + 2, STRIDE + 2] }
  const stitched = await predictWholeImage(coherent(predict), greyImage(width), options)
  const labels = draw(stitched, 1)
  const ratio = changesRatio(labels, width, BORDER)
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.1)

  const ofTiles = Array.from({ length: tiles }, (_, tile) => draw(stitched, 100 + tile))
  const apart = labels.map((_, index) => ofTiles[Math.floor((index % width) / STRIDE)]![index]!)
  expect(changesRatio(apart, width, BORDER)).toBeGreaterThan(1.5)
})

test('padded convolutions: averages of overlapping tiles have no seams, tiles side by side have', async () => {
  const { geometry, predict } = boxNetwork('same', { dimensions: 2, radius: 4 })
  // Less than what the padding reaches from both sides.
  const overlap = 6
  const width = 5 * STRIDE + STRIDE + overlap
  const sideBySide = { geometry, tile: [HEIGHT, STRIDE], overlap: [0, 0] }
  const abrupt = await predictWholeImage(coherent(predict), greyImage(6 * STRIDE), sideBySide)
  expect(changesRatio(draw(abrupt, 2), 6 * STRIDE, BORDER)).toBeGreaterThan(1.2)

  const overlapping = { geometry, tile: [HEIGHT, STRIDE + overlap], overlap: [0, overlap] }
  const averaged = await predictWholeImage(coherent(predict), greyImage(width), overlapping)
  const shared = Array.from({ length: overlap }, (_, column) => column)
  const ratio = changesRatio(draw(averaged, 2), width, shared)
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.1)
})

// The parameters of a whole image, put together from those of its tiles, in float32 or binary16.
import { allocated } from '../allocated'
import {
  type Float16Distribution,
  float16Bits,
  fromFloat16,
  markCheckedFloat16,
} from '../distribution/float16'
import { type LogitDistribution, markChecked, voxelCount } from '../distribution/logit-distribution'
import { ValueError } from '../errors'
import type { Tile } from './tile-plan'

/** Sizes of the whole. */
export type StitchedSizes = Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial'>

/** A distribution that grows tile by tile. Nothing but its own arrays is held. */
export interface StitchedParameters {
  /** Adds what is kept of a tile's parameters, each voxel times its weight. */
  add(parameters: LogitDistribution, tile: Tile): void
  /** Forgets all tiles. */
  clear(): void
  /** What came of it. Outside the region of interest `[N, *S]` it is certain of label 0. */
  finish(roi?: Uint8Array): LogitDistribution | Float16Distribution
}

/** Lead of label 0 outside the region of interest, and the authors' variance there. */
const OUTSIDE_MEAN = 20
const OUTSIDE_VARIANCE = 1e-5

/** Parameters in float32. */
export function stitchedFloat32(sizes: StitchedSizes): StitchedParameters {
  const { batch, classes, rank, spatial } = sizes
  const logits = batch * classes * voxelCount(spatial)
  const mean = roomFor(Float32Array, logits)
  const factor = roomFor(Float32Array, logits * rank)
  const diagonal = roomFor(Float32Array, logits)
  return {
    add(parameters, tile) {
      const rows = tileRows(tile, parameters.spatial, spatial)
      addTile(mean, parameters.mean, rows, addFloats)
      addTile(factor, parameters.factor, rows, addFloats)
      addTile(diagonal, parameters.diagonal, rows, addFloats)
    },
    clear() {
      for (const array of [mean, factor, diagonal]) array.fill(0)
    },
    finish(roi) {
      setOutside(mean, roi, sizes, outsideMean(classes))
      setOutside(factor, roi, sizes, () => 0)
      setOutside(diagonal, roi, sizes, () => OUTSIDE_VARIANCE)
      return markChecked({ ...sizes, mean, factor, diagonal })
    },
  }
}

/** Factor and standard deviation in binary16: they never exist in float32 as a whole. */
export function stitchedFloat16(sizes: StitchedSizes): StitchedParameters {
  const { batch, classes, rank, spatial } = sizes
  const logits = batch * classes * voxelCount(spatial)
  const mean = roomFor(Float32Array, logits)
  const factor = roomFor(Uint16Array, logits * rank)
  const deviation = roomFor(Uint16Array, logits)
  return {
    add(parameters, tile) {
      const rows = tileRows(tile, parameters.spatial, spatial)
      addTile(mean, parameters.mean, rows, addFloats)
      addTile(factor, parameters.factor, rows, addHalves)
      addTile(deviation, parameters.diagonal, rows, addDeviations)
    },
    clear() {
      for (const array of [mean, factor, deviation]) array.fill(0)
    },
    finish(roi) {
      setOutside(mean, roi, sizes, outsideMean(classes))
      setOutside(factor, roi, sizes, () => 0)
      setOutside(deviation, roi, sizes, () => float16Bits(Math.sqrt(OUTSIDE_VARIANCE)))
      return markCheckedFloat16({ ...sizes, mean, factor, deviation })
    },
  }
}

function roomFor<Values>(Values: new (length: number) => Values, length: number): Values {
  const remedy = "Keep the distribution in float16 (storage: 'float16'), or predict a part of the image"
  return allocated(Values, length, { subject: 'distribution of the whole image', remedy })
}

/** What a row of a tile adds to a row of the whole. */
interface TileRows {
  /** Voxels of a plane, in the whole and in the tile. */
  readonly voxels: readonly [whole: number, tile: number]
  readonly rows: readonly {
    readonly start: number
    readonly source: number
    readonly weights: Float64Array
  }[]
}

function tileRows({ kept }: Tile, tile: readonly number[], whole: readonly number[]): TileRows {
  const outer = kept.slice(0, -1).reduce<{ start: number; source: number; weight: number }[]>(
    (rows, { start, offset, weights }, axis) =>
      rows.flatMap((row) =>
        Array.from(weights, (weight, index) => ({
          start: row.start * whole[axis]! + start + index,
          source: row.source * tile[axis]! + offset + index,
          weight: row.weight * weight,
        })),
      ),
    [{ start: 0, source: 0, weight: 1 }],
  )
  const last = kept.at(-1)!
  return {
    voxels: [voxelCount(whole), voxelCount(tile)],
    rows: outer.map(({ start, source, weight }) => ({
      start: start * whole.at(-1)! + last.start,
      source: source * tile.at(-1)! + last.offset,
      weights: weight === 1 ? last.weights : last.weights.map((along) => along * weight),
    })),
  }
}

/** Adds a row of a tile to `target` from `at` on. */
type AddRow<Target> = (target: Target, at: number, row: Float32Array, weights: Float64Array) => void

function addTile<Target extends Float32Array | Uint16Array>(
  target: Target,
  source: Float32Array,
  { voxels: [whole, tile], rows }: TileRows,
  addRow: AddRow<Target>,
): void {
  for (let plane = 0; plane * tile < source.length; plane++) {
    for (const { start, source: from, weights } of rows) {
      const begin = plane * tile + from
      addRow(target, plane * whole + start, source.subarray(begin, begin + weights.length), weights)
    }
  }
}

function addFloats(target: Float32Array, at: number, row: Float32Array, weights: Float64Array): void {
  for (let index = 0; index < row.length; index++) target[at + index]! += weights[index]! * row[index]!
}

function addHalves(target: Uint16Array, at: number, row: Float32Array, weights: Float64Array): void {
  for (let index = 0; index < row.length; index++) {
    const sum = fromFloat16(target[at + index]!) + weights[index]! * row[index]!
    target[at + index] = finiteBits('factor', sum)
  }
}

/** Variances are averaged, deviations kept. */
function addDeviations(target: Uint16Array, at: number, row: Float32Array, weights: Float64Array): void {
  for (let index = 0; index < row.length; index++) {
    const variance = fromFloat16(target[at + index]!) ** 2 + weights[index]! * row[index]!
    target[at + index] = finiteBits('standard deviation', Math.fround(Math.sqrt(variance)))
  }
}

function finiteBits(name: string, value: number): number {
  const bits = float16Bits(value)
  if ((bits & 0x7c00) !== 0x7c00) return bits
  throw new ValueError(name, {
    found: String(value),
    expected: 'numbers below 65520',
    remedy: 'Keep the distribution in float32',
  })
}

function outsideMean(classes: number): (plane: number) => number {
  if (classes === 1) return () => -OUTSIDE_MEAN
  return (plane) => (plane === 0 ? OUTSIDE_MEAN : 0)
}

/** Sets what lies outside the region of interest; `value` gets the plane of an image. */
function setOutside(
  array: Float32Array | Uint16Array,
  roi: Uint8Array | undefined,
  { batch, spatial }: StitchedSizes,
  value: (plane: number) => number,
): void {
  if (roi === undefined) return
  const voxels = voxelCount(spatial)
  const planes = array.length / (batch * voxels)
  for (let plane = 0; plane < batch * planes; plane++) {
    const outside = value(plane % planes)
    const region = Math.floor(plane / planes) * voxels
    for (let voxel = 0; voxel < voxels; voxel++) {
      if (roi[region + voxel] === 0) array[plane * voxels + voxel] = outside
    }
  }
}

// Factor and diagonal in half the memory, for volumes: IEEE 754 binary16, of which mean, noise and sums see nothing.
import { ShapeError, ValueError } from '../errors'
import { DETERMINISTIC_VARIANCE } from '../head'
import {
  checkedDistribution,
  type ImageDistribution,
  type LogitDistribution,
  voxelCount,
} from './logit-distribution'

/**
 * A {@link LogitDistribution} for sampling, of which factor and standard deviation are kept in binary16.
 *
 * Each is off by at most 1/2048 of itself, or 3e-8 below 6e-5: far less than what networks learn of them.
 */
export interface Float16Distribution
  extends Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial' | 'mean'> {
  /** `[N, C, R, *S]`, bits of binary16. */
  readonly factor: Uint16Array
  /** `[N, C, *S]`, bits of binary16: √variance. */
  readonly deviation: Uint16Array
}

/** An image to sample from. */
export type SampledImage = ImageDistribution | Float16Image

/** One image of a {@link Float16Distribution}. */
export interface Float16Image extends Pick<ImageDistribution, 'classes' | 'rank' | 'voxels' | 'mean'> {
  readonly factor: Uint16Array
  readonly deviation: Uint16Array
}

/**
 * The same distribution with factor and diagonal in binary16; the mean's array is shared.
 *
 * @throws ShapeError, ValueError as `logitDistribution`; ValueError for a factor or standard deviation above 65504.
 */
export function float16Distribution(given: LogitDistribution): Float16Distribution {
  const { batch, classes, rank, spatial, mean, factor, diagonal } = checkedDistribution(given)
  const compact = {
    batch,
    classes,
    rank,
    spatial,
    mean,
    factor: toFloat16('factor', factor, (x) => x),
    deviation: toFloat16('standard deviation', diagonal, (variance) => Math.fround(Math.sqrt(variance))),
  }
  checked.add(compact)
  return compact
}

/**
 * The distribution in float32 whose samples are those of `compact`, bit for bit. A deviation that binary16 has as 0 becomes
 * `DETERMINISTIC_VARIANCE`, which moves no logit.
 */
export function float32Distribution(compact: Float16Distribution): LogitDistribution {
  const { batch, classes, rank, spatial, mean } = compact
  return { batch, classes, rank, spatial, mean, ...float32Parts(compact, DETERMINISTIC_VARIANCE) }
}

/** As {@link float32Distribution}, of one image. */
export function float32Image(image: Float16Image): ImageDistribution {
  const { classes, rank, voxels, mean } = image
  return { classes, rank, voxels, mean, ...float32Parts(image) }
}

// What float16Distribution made needs no second look.
const checked = new WeakSet<Float16Distribution>()

/** The distribution itself, of which the caller knows that its arrays fit and are finite. */
export function markCheckedFloat16(compact: Float16Distribution): Float16Distribution {
  checked.add(compact)
  return compact
}

/** The distribution itself. Throws {@link ShapeError} or {@link ValueError} unless its arrays fit its sizes and are finite. */
export function checkedFloat16(compact: Float16Distribution): Float16Distribution {
  const { batch, classes, rank, spatial, mean, factor, deviation } = compact
  const logits = batch * classes * voxelCount(spatial)
  // Arrays that were transferred to another thread are empty.
  const isThere = () =>
    mean.length === logits && factor.length === logits * rank && deviation.length === logits
  if (checked.has(compact) && isThere()) return compact
  // Sizes and mean, beside parts that are right.
  const rest = { rank: 0, factor: new Float32Array(0), diagonal: new Float32Array(logits).fill(1) }
  checkedDistribution({ batch, classes, spatial, mean, ...rest })
  checkBits('factor', factor, logits * rank)
  checkBits('deviation', deviation, logits)
  checked.add(compact)
  return compact
}

function checkBits(name: string, array: Uint16Array, length: number): void {
  const remedy = 'Make the distribution with float16Distribution'
  if (!(array instanceof Uint16Array) || array.length !== length) {
    const found = array instanceof Uint16Array ? `${array.length} values` : typeof array
    throw new ShapeError(name, { found, expected: `a Uint16Array of ${length} values`, remedy })
  }
  const wrong = array.findIndex((bits) => (bits & 0x7c00) === 0x7c00)
  if (wrong >= 0) {
    const found = `bits ${array[wrong]} at index ${wrong}`
    throw new ValueError(name, { found, expected: 'finite numbers', remedy })
  }
}

/** Image `index` of the batch: views, nothing is copied. */
export function float16Image(compact: Float16Distribution, index: number): Float16Image {
  const { classes, rank, spatial, mean, factor, deviation } = compact
  const voxels = voxelCount(spatial)
  const [from, to] = [index * classes * voxels, (index + 1) * classes * voxels]
  return {
    classes,
    rank,
    voxels,
    mean: mean.subarray(from, to),
    factor: factor.subarray(from * rank, to * rank),
    deviation: deviation.subarray(from, to),
  }
}

function float32Parts(
  { factor, deviation }: Pick<Float16Image, 'factor' | 'deviation'>,
  none = 0,
): Pick<ImageDistribution, 'factor' | 'diagonal'> {
  // Rounding a square keeps its root: √ gives the deviation back.
  const variance = (bits: number): number => fromFloat16(bits) ** 2 || none
  return { factor: Float32Array.from(factor, fromFloat16), diagonal: Float32Array.from(deviation, variance) }
}

const value = new Float32Array(1)
const valueBits = new Uint32Array(value.buffer)

/** Bits of the binary16 number nearest to x, the even one of two; infinite from 65520 on, NaN for NaN. */
export function float16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00
  const magnitude = Math.abs(x)
  const sign = x < 0 ? 0x8000 : 0
  if (magnitude >= 65520) return sign | 0x7c00
  if (magnitude < 2 ** -14) {
    // Adding ½ leaves multiples of 2⁻²⁴ in the low bits.
    value[0] = magnitude + 0.5
    return sign | (valueBits[0]! - 0x3f000000)
  }
  value[0] = magnitude
  const bits = valueBits[0]!
  return sign | ((bits - (112 << 23) + 0xfff + ((bits >> 13) & 1)) >>> 13)
}

/** The number that bits of binary16 stand for. */
export function fromFloat16(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -magnitude : magnitude
}

function toFloat16(name: string, values: Float32Array, change: (x: number) => number): Uint16Array {
  const halves = new Uint16Array(values.length)
  for (let index = 0; index < values.length; index++) {
    const bits = float16Bits(change(values[index]!))
    if ((bits & 0x7c00) === 0x7c00) {
      throw new ValueError(name, {
        found: `${change(values[index]!)} at index ${index}`,
        expected: 'numbers below 65520',
        remedy: 'Keep the distribution in float32',
      })
    }
    halves[index] = bits
  }
  return halves
}

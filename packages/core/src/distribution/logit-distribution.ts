// The contract that all packages share: logits | image ~ Normal(mean, P Pᵀ + D), planar arrays.
import { ShapeError, ValueError } from '../errors'

/**
 * A joint normal distribution over the logits of `batch` images.
 *
 * Voxels are the product of `spatial`, in row-major order; *S stands for them in shapes.
 */
export interface LogitDistribution {
  readonly batch: number
  /** 1 is binary (sigmoid, label 1 where the logit is > 0); otherwise softmax. */
  readonly classes: number
  /** Columns of the covariance factor; 0 makes every logit independent. */
  readonly rank: number
  readonly spatial: readonly number[]
  /** `[N, C, *S]`. */
  readonly mean: Float32Array
  /** `[N, C, R, *S]`; empty when rank is 0. */
  readonly factor: Float32Array
  /** `[N, C, *S]`, variances > 0. */
  readonly diagonal: Float32Array
}

/** Number of voxels of one image. */
export function voxelCount(spatial: readonly number[]): number {
  return spatial.reduce((product, size) => product * size, 1)
}

/**
 * Checks shapes, finiteness and positivity, and gives the same arrays as a distribution (nothing is copied).
 *
 * Throws {@link ShapeError} for a length that does not fit and {@link ValueError} for NaN, ±∞ or a variance ≤ 0.
 */
export function logitDistribution(parts: LogitDistribution): LogitDistribution {
  const { batch, classes, rank, spatial, mean, factor, diagonal } = parts
  for (const [name, value, least] of [
    ['batch', batch, 0],
    ['classes', classes, 1],
    ['rank', rank, 0],
    ...spatial.map((size, axis) => [`spatial[${axis}]`, size, 0] as const),
  ] as const) {
    if (!Number.isInteger(value) || value < least) {
      throw new ShapeError(`distribution ${name}`, {
        found: String(value),
        expected: `a whole number ≥ ${least}`,
        remedy: 'Give the sizes of the arrays',
      })
    }
  }
  if (classes > 256) {
    throw new ShapeError('distribution classes', {
      found: String(classes),
      expected: 'at most 256, so that a label fits a byte',
      remedy: 'Merge classes',
    })
  }
  checkLengths(parts)
  checkFinite('mean', mean)
  checkFinite('factor', factor)
  checkFinite('diagonal', diagonal)
  checkPositive('diagonal', diagonal)
  const distribution = { batch, classes, rank, spatial: [...spatial], mean, factor, diagonal }
  checked.add(distribution)
  return distribution
}

// What logitDistribution has seen already: large volumes are then scanned once, not at every call.
const checked = new WeakSet<LogitDistribution>()

/**
 * The distribution itself where {@link logitDistribution} made it, and a checked one where somebody else did. Arrays that were
 * transferred to another thread meanwhile are empty, which is seen.
 */
export function checkedDistribution(distribution: LogitDistribution): LogitDistribution {
  if (!checked.has(distribution)) return logitDistribution(distribution)
  checkLengths(distribution)
  return distribution
}

/** The distribution itself, of whose arrays the caller knows that they pass {@link logitDistribution}'s checks. */
export function markChecked(distribution: LogitDistribution): LogitDistribution {
  checked.add(distribution)
  return distribution
}

/** One image of a distribution: views, nothing is copied. */
export interface ImageDistribution {
  readonly classes: number
  readonly rank: number
  readonly voxels: number
  /** `[C, S]`. */
  readonly mean: Float32Array
  /** `[C, R, S]`. */
  readonly factor: Float32Array
  /** `[C, S]`. */
  readonly diagonal: Float32Array
}

/** Image `index` of the batch. */
export function imageDistribution(distribution: LogitDistribution, index: number): ImageDistribution {
  const { classes, rank, spatial, mean, factor, diagonal } = distribution
  const voxels = voxelCount(spatial)
  const image = (array: Float32Array, size: number) => array.subarray(index * size, (index + 1) * size)
  return {
    classes,
    rank,
    voxels,
    mean: image(mean, classes * voxels),
    factor: image(factor, classes * rank * voxels),
    diagonal: image(diagonal, classes * voxels),
  }
}

function checkLengths({ batch, classes, rank, spatial, mean, factor, diagonal }: LogitDistribution): void {
  const logits = batch * classes * voxelCount(spatial)
  checkLength('mean', mean, logits, `[${[batch, classes, ...spatial]}]`)
  checkLength('factor', factor, logits * rank, `[${[batch, classes, rank, ...spatial]}]`)
  checkLength('diagonal', diagonal, logits, `[${[batch, classes, ...spatial]}]`)
}

function checkLength(name: string, array: Float32Array, length: number, shape: string): void {
  if (!(array instanceof Float32Array) || array.length !== length) {
    throw new ShapeError(name, {
      found: array instanceof Float32Array ? `${array.length} values` : Object.prototype.toString.call(array),
      expected: `a Float32Array of ${length} values for shape ${shape}`,
      remedy: 'Arrays are planar (channels first): mean [N,C,*S], factor [N,C,R,*S], diagonal [N,C,*S]',
    })
  }
}

// A loop: ten times as fast as findIndex, which counts in volumes.
function checkPositive(name: string, array: Float32Array): void {
  for (let index = 0; index < array.length; index++) {
    if (!(array[index]! > 0)) {
      throw new ValueError(name, {
        found: `${array[index]} at index ${index}`,
        expected: 'variances > 0',
        remedy: 'Pass variances, not their logarithms; add a small epsilon (the authors use 1e-5)',
      })
    }
  }
}

function checkFinite(name: string, array: Float32Array): void {
  for (let index = 0; index < array.length; index++) {
    if (!Number.isFinite(array[index]!)) {
      throw new ValueError(name, {
        found: `${array[index]} at index ${index}`,
        expected: 'finite numbers',
        remedy: 'The network gave no finite logits: check its input and its weights',
      })
    }
  }
}

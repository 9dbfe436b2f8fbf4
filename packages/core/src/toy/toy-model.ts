// The toy's free parameters: what the optimiser changes, the distribution they make, and the chain rule between the two.
import type { LogitDistribution } from '../distribution/logit-distribution'
import { randomInteger } from '../noise/random-integers'
import { UINT32_RANGE } from '../whole-number'
import { TOY_PIXELS } from './toy-problem'

/** Columns of the low-rank model's covariance factor. */
const RANK = 2

/** `low-rank`: mean, factor of rank 2, diagonal. `diagonal`: every pixel independent. */
export type ToyHead = 'low-rank' | 'diagonal'

/** Gradients of a loss with respect to a distribution's arrays, of one or several images. */
export interface DistributionGradients {
  readonly mean: Float32Array
  readonly factor: Float32Array
  readonly diagonal: Float32Array
}

/**
 * Mean, log-diagonal, and a factor whose columns have free logarithmic scales and a direction:
 * P[r, i] = exp(logScale[r, i]) · direction[r, i] / ‖direction[r]‖.
 */
export class ToyModel {
  readonly mean: Float64Array = new Float64Array(TOY_PIXELS)
  readonly #rank: number
  readonly #logDiagonal = new Float64Array(TOY_PIXELS).fill(-1)
  readonly #logScale: Float64Array
  readonly #direction: Float64Array

  constructor(head: ToyHead, seed: number) {
    this.#rank = head === 'low-rank' ? RANK : 0
    this.#logScale = new Float64Array(this.#rank * TOY_PIXELS).fill(-1)
    this.#direction = this.#logScale.map(
      (_, index) => randomInteger({ seed, index }, UINT32_RANGE) / UINT32_RANGE - 0.5,
    )
  }

  /** Everything that is learnt; the optimiser changes it in place. */
  get parameters(): readonly Float64Array[] {
    return [this.mean, this.#logDiagonal, this.#logScale, this.#direction]
  }

  /** The distribution of `batch` images, all alike. */
  distribution(batch = 1): LogitDistribution {
    const { mean } = this
    const [factor, diagonal] = [this.#factor(), this.#logDiagonal.map(Math.exp)]
    const repeated = (array: Float64Array): Float32Array =>
      Float32Array.from({ length: batch * array.length }, (_, index) => array[index % array.length]!)
    return {
      batch,
      classes: 1,
      rank: this.#rank,
      spatial: [TOY_PIXELS],
      mean: repeated(mean),
      factor: repeated(factor),
      diagonal: repeated(diagonal),
    }
  }

  /** The gradients of {@link parameters}, in their order, from those of the distribution of a batch. */
  gradients(of: DistributionGradients): Float64Array[] {
    const factor = this.#factor()
    const byFactor = sumOfImages(of.factor, factor.length)
    const byDiagonal = sumOfImages(of.diagonal, TOY_PIXELS)
    return [
      sumOfImages(of.mean, TOY_PIXELS),
      byDiagonal.map((slope, index) => slope * Math.exp(this.#logDiagonal[index]!)),
      byFactor.map((slope, index) => slope * factor[index]!),
      this.#directionGradient(byFactor),
    ]
  }

  #factor(): Float64Array {
    const factor = new Float64Array(this.#direction.length)
    for (const column of this.#columns()) {
      for (let index = column.start; index < column.end; index++) {
        factor[index] = (Math.exp(this.#logScale[index]!) * this.#direction[index]!) / column.norm
      }
    }
    return factor
  }

  /** With s = gradient ∘ exp(logScale) and v the direction: (s − v (s·v) / ‖v‖²) / ‖v‖. */
  #directionGradient(byFactor: Float64Array): Float64Array {
    const scaled = byFactor.map((slope, index) => slope * Math.exp(this.#logScale[index]!))
    const gradient = new Float64Array(scaled.length)
    for (const { start, end, norm } of this.#columns()) {
      let along = 0
      for (let index = start; index < end; index++) along += scaled[index]! * this.#direction[index]!
      for (let index = start; index < end; index++) {
        gradient[index] = (scaled[index]! - (this.#direction[index]! * along) / norm ** 2) / norm
      }
    }
    return gradient
  }

  #columns(): { start: number; end: number; norm: number }[] {
    return Array.from({ length: this.#rank }, (_, column) => {
      const [start, end] = [column * TOY_PIXELS, (column + 1) * TOY_PIXELS]
      return { start, end, norm: Math.hypot(...this.#direction.subarray(start, end)) }
    })
  }
}

function sumOfImages(values: Float32Array, length: number): Float64Array {
  const sum = new Float64Array(length)
  values.forEach((value, index) => {
    sum[index % length]! += value
  })
  return sum
}

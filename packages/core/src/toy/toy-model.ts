// The toy's free parameters: what the optimiser changes, the distribution they make, and the chain rule between the two.
import type { LogitDistribution } from '../distribution/logit-distribution'
import { randomInteger } from '../noise/random-integers'
import { UINT32_RANGE } from '../whole-number'
import { TOY_PIXELS } from './toy-problem'

/** Columns of the low-rank model's covariance factor. */
const RANK = 2

/** `low-rank`: mean, factor of rank 2, diagonal. `diagonal`: every pixel independent. */
export type ToyHead = 'low-rank' | 'diagonal'

/** A distribution's arrays, of one or several images, or a loss's gradients with respect to them. */
export interface ToyArrays {
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
  /** Columns of the factor. */
  readonly rank: number
  readonly #logDiagonal = new Float64Array(TOY_PIXELS).fill(-1)
  readonly #logScale: Float64Array
  readonly #direction: Float64Array

  constructor(head: ToyHead, seed: number) {
    this.rank = head === 'low-rank' ? RANK : 0
    this.#logScale = new Float64Array(this.rank * TOY_PIXELS).fill(-1)
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
    const arrays = {
      mean: new Float32Array(batch * TOY_PIXELS),
      factor: new Float32Array(batch * this.rank * TOY_PIXELS),
      diagonal: new Float32Array(batch * TOY_PIXELS),
    }
    this.distributionInto(arrays)
    return { batch, classes: 1, rank: this.rank, spatial: [TOY_PIXELS], ...arrays }
  }

  /** Writes the distribution to the arrays of one or several images, all alike. */
  distributionInto({ mean, factor, diagonal }: ToyArrays): void {
    const ofImage = this.#factor()
    for (let index = 0; index < factor.length; index++) factor[index] = ofImage[index % ofImage.length]!
    for (let index = 0; index < mean.length; index++) {
      mean[index] = this.mean[index % TOY_PIXELS]!
      diagonal[index] = Math.exp(this.#logDiagonal[index % TOY_PIXELS]!)
    }
  }

  /** The gradients of {@link parameters}, in their order, of the mean of losses with these, of one or several images each. */
  gradients(...of: readonly ToyArrays[]): Float64Array[] {
    const factor = this.#factor()
    const byFactor = new Float64Array(factor.length)
    const byMean = new Float64Array(TOY_PIXELS)
    const byDiagonal = new Float64Array(TOY_PIXELS)
    for (const gradients of of) {
      addImages(byFactor, gradients.factor, 1 / of.length)
      addImages(byMean, gradients.mean, 1 / of.length)
      addImages(byDiagonal, gradients.diagonal, 1 / of.length)
    }
    for (let index = 0; index < TOY_PIXELS; index++) byDiagonal[index]! *= Math.exp(this.#logDiagonal[index]!)
    return [
      byMean,
      byDiagonal,
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
    return Array.from({ length: this.rank }, (_, column) => {
      const [start, end] = [column * TOY_PIXELS, (column + 1) * TOY_PIXELS]
      let squares = 0
      for (let index = start; index < end; index++) squares += this.#direction[index]! ** 2
      return { start, end, norm: Math.sqrt(squares) }
    })
  }
}

function addImages(sum: Float64Array, values: Float32Array, share: number): void {
  for (let index = 0; index < values.length; index++) sum[index % sum.length]! += share * values[index]!
}

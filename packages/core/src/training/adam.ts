// Adam over plain arrays, for what core trains by itself.

/** Settings of {@link Adam}. */
export interface AdamOptions {
  /** Step size. */
  readonly learningRate: number
  /** Decay of the gradients' running mean: 0.9. */
  readonly beta1?: number
  /** Decay of the squared gradients' running mean: 0.999. */
  readonly beta2?: number
  /** Added to the root of the squared gradients' mean: 1e-8. */
  readonly epsilon?: number
}

/**
 * The Adam optimiser with bias correction (Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015,
 * algorithm 1). It changes the parameters in place; its moments are float64.
 */
export class Adam {
  readonly #parameters: readonly (Float64Array | Float32Array)[]
  readonly #options: Required<AdamOptions>
  readonly #firstMoments: readonly Float64Array[]
  readonly #secondMoments: readonly Float64Array[]
  #steps = 0

  constructor(parameters: readonly (Float64Array | Float32Array)[], options: AdamOptions) {
    this.#parameters = parameters
    this.#options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...options }
    this.#firstMoments = parameters.map(({ length }) => new Float64Array(length))
    this.#secondMoments = parameters.map(({ length }) => new Float64Array(length))
  }

  /** One descent step. @param gradients of the loss, in the order and sizes of the parameters. */
  step(gradients: readonly (Float64Array | Float32Array)[]): void {
    const { learningRate, beta1, beta2, epsilon } = this.#options
    this.#steps++
    const firstCorrection = 1 - beta1 ** this.#steps
    const secondCorrection = 1 - beta2 ** this.#steps
    this.#parameters.forEach((parameter, which) => {
      const gradient = gradients[which]!
      const first = this.#firstMoments[which]!
      const second = this.#secondMoments[which]!
      for (let index = 0; index < parameter.length; index++) {
        const slope = gradient[index]!
        first[index] = beta1 * first[index]! + (1 - beta1) * slope
        second[index] = beta2 * second[index]! + (1 - beta2) * slope * slope
        const scale = Math.sqrt(second[index]! / secondCorrection) + epsilon
        parameter[index]! -= (learningRate * first[index]!) / firstCorrection / scale
      }
    })
  }
}

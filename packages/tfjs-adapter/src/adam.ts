// Adam (Kingma & Ba 2015) on plain arrays: fewer and larger steps than one TF.js operation for each term.

/** Adam's constants: the paper's, which PyTorch takes too (Keras has epsilon 1e-7). */
export interface AdamOptions {
  /** 0.9 unless given. */
  readonly beta1?: number
  /** 0.999 unless given. */
  readonly beta2?: number
  /** Added to the root of the second moment; 1e-8 unless given. */
  readonly epsilon?: number
}

/** Running moments of one parameter's gradient. */
export interface Moments {
  /** Updates so far of this parameter: one without a gradient in the first phase starts later. */
  step: number
  readonly first: Float32Array
  readonly second: Float32Array
}

/** Adam over named arrays. */
export class Adam {
  private readonly byName = new Map<string, Moments>()
  private readonly beta1: number
  private readonly beta2: number
  private readonly epsilon: number

  constructor({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}) {
    this.beta1 = beta1
    this.beta2 = beta2
    this.epsilon = epsilon
  }

  /** Moves `values` against `gradient`, in place. */
  update(name: string, values: Float32Array, gradient: Float32Array, learningRate: number): void {
    const { beta1, beta2, epsilon } = this
    const moments = this.byName.get(name) ?? {
      step: 0,
      first: new Float32Array(values.length),
      second: new Float32Array(values.length),
    }
    this.byName.set(name, moments)
    moments.step++
    const { step, first, second } = moments
    const rate = learningRate / (1 - beta1 ** step)
    const correction = 1 / (1 - beta2 ** step)
    for (let index = 0; index < values.length; index++) {
      const slope = gradient[index]!
      first[index] = beta1 * first[index]! + (1 - beta1) * slope
      second[index] = beta2 * second[index]! + (1 - beta2) * slope * slope
      values[index]! -= (rate * first[index]!) / (Math.sqrt(second[index]! * correction) + epsilon)
    }
  }

  /** The moments of one array; undefined while it has not moved. */
  moments(name: string): Moments | undefined {
    return this.byName.get(name)
  }

  /** Forgets everything but the given moments. */
  reset(all: Iterable<readonly [name: string, moments: Moments]>): void {
    this.byName.clear()
    for (const [name, moments] of all) this.byName.set(name, moments)
  }
}

// Means with their standard errors, one value at a time.

/**
 * Mean and standard error of the values seen so far, as of a metric over cases, in constant memory (Welford 1962).
 *
 * What is undefined for a case, as Dice where both maps are empty, is left out.
 */
export class RunningMean {
  #count = 0
  #mean = 0
  #squares = 0

  /** Takes one case's value; undefined ones are left out. */
  add(value: number | undefined): void {
    if (value === undefined) return
    this.#count++
    const deviation = value - this.#mean
    this.#mean += deviation / this.#count
    this.#squares += deviation * (value - this.#mean)
  }

  /** Values that were defined. */
  get count(): number {
    return this.#count
  }

  /** NaN when no value was defined. */
  get mean(): number {
    return this.#count === 0 ? Number.NaN : this.#mean
  }

  /** Sample standard deviation / √count; NaN below two values. */
  get standardError(): number {
    return this.#count < 2 ? Number.NaN : Math.sqrt(this.#squares / (this.#count - 1) / this.#count)
  }
}

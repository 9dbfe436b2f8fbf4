// Means with their standard errors, one value at a time.

/** Mean and standard error of the values seen so far, in constant memory (Welford 1962). */
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

  /** NaN when no value was defined. */
  get mean(): number {
    return this.#count === 0 ? Number.NaN : this.#mean
  }

  /** Sample standard deviation / √count; NaN below two values. */
  get standardError(): number {
    return this.#count < 2 ? Number.NaN : Math.sqrt(this.#squares / (this.#count - 1) / this.#count)
  }
}

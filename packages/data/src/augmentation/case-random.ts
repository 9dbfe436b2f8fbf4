// A source of random numbers for each item of a run, apart from all others and from the run's noise.
import { philox4x32, randomInteger, standardNormals, type TransformDraw } from '@stochseg/core'

/** Tells these seeds from counters that the run uses otherwise ('augm' in ASCII). */
const MARK = 0x6175676d

/** Numbers that depend on (seed, position) and their own index alone: drawing one changes no other. */
export class CaseRandom {
  readonly #seed: number

  constructor({ seed, position }: TransformDraw) {
    const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const
    const [high, low] = philox4x32([position >>> 0, Math.floor(position / 2 ** 32), MARK, MARK], key)
    this.#seed = (high >>> 11) * 2 ** 32 + low
  }

  /** One of 0 … bound − 1, each equally likely. */
  integer(index: number, bound: number): number {
    return randomInteger({ seed: this.#seed, index }, bound)
  }

  /** Uniform in [least, most). */
  between(index: number, least: number, most: number): number {
    return least + ((most - least) * this.integer(index, 2 ** 32)) / 2 ** 32
  }

  /** True with this probability. */
  chance(index: number, probability: number): boolean {
    return this.between(index, 0, 1) < probability
  }

  /** Independent standard normals; `plane` tells sequences apart. */
  normals(count: number, plane: number): Float32Array {
    return standardNormals(count, { seed: this.#seed, plane })
  }
}

// What predictions come to, in figures: summary.json beside an image's results, and a table of all images.
import { readFile, stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { NiftiLayout } from '@stochseg/data'
import { formatNumber, textTable } from '../table'

/** Where results come from: with the same of all these, they are the same. */
export interface Origin {
  readonly input: string
  readonly mask?: string | undefined
  /** A file. */
  readonly layout?: string | undefined
  readonly normalisation?: NiftiLayout['normalisation'] | undefined
  readonly model: string
  readonly tile?: readonly number[] | undefined
  readonly overlap?: readonly number[] | undefined
  readonly storage: 'float32' | 'float16'
  readonly samples: number
  readonly seed: number
  /** Noise stream: the image's place among all inputs. */
  readonly stream: number
  readonly temperature: number
  readonly classScale: readonly number[]
}

/** The content of `summary.json`. It is written last, when all the other files of an image are there. */
export interface Summary extends Origin {
  readonly folder: string
  /** Slowest axis first. */
  readonly size: readonly number[]
  /** Mean over the pixels of the marginal entropy, in [0, 1]. */
  readonly meanEntropy: number
  /** Pixels or voxels of each foreground class: in the mean label map, and over the samples. */
  readonly pixels: readonly {
    readonly class: number
    readonly mean: number
    readonly sampleMean: number
    readonly sampleDeviation: number
  }[]
}

/** A finished image's summary, if its results come from where `origin` says and the model is not newer. */
export async function storedSummary(path: string, origin: Origin): Promise<Summary | undefined> {
  try {
    const [written, model] = await Promise.all([stat(path), stat(origin.model)])
    if (written.mtimeMs < model.mtimeMs) return undefined
    const summary = JSON.parse(await readFile(path, 'utf8')) as Summary
    const { folder, size, meanEntropy, pixels } = summary
    const same = { ...origin, folder, size, meanEntropy, pixels }
    return isDeepStrictEqual(summary, JSON.parse(JSON.stringify(same))) ? summary : undefined
  } catch {
    // Missing or damaged: the image is predicted again.
    return undefined
  }
}

/** Counts each label's pixels, in one label map after another. */
export function labelCounts(labelMap: Uint8Array, labels: number): number[] {
  const counts = new Array<number>(labels).fill(0)
  for (const label of labelMap) counts[label]!++
  return counts
}

/** The figures of the foreground classes, from the counts of the mean label map and of every sample. */
export function pixelFigures(
  mean: readonly number[],
  samples: readonly (readonly number[])[],
): Summary['pixels'] {
  return mean.slice(1).map((count, index) => {
    const label = index + 1
    const counts = samples.map((sample) => sample[label]!)
    const sampleMean = average(counts)
    const variance = average(counts.map((value) => (value - sampleMean) ** 2))
    return { class: label, mean: count, sampleMean, sampleDeviation: Math.sqrt(variance) }
  })
}

/** The table for people. */
export function summaryTable(summaries: readonly Summary[]): string {
  return textTable([
    ['folder', 'size', 'class', 'voxels of mean', 'of samples', '±', 'entropy'],
    ...summaries.flatMap(({ folder, size, pixels, meanEntropy, samples }) =>
      pixels.map((row) => [
        folder,
        size.toReversed().join('×'),
        String(row.class),
        String(row.mean),
        formatNumber(row.sampleMean),
        formatNumber(samples > 1 ? row.sampleDeviation : undefined, 3),
        formatNumber(meanEntropy, 3),
      ]),
    ),
  ])
}

export function average(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index]!
  return sum / values.length
}

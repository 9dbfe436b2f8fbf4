// stochseg predict: images in; mean label map, samples and entropy out, each image in a folder of its own.
import { readdir, rm } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import {
  type LogitDistribution,
  ModelError,
  marginalEntropy,
  meanLabelMap,
  sampleLabelMaps,
  ValueError,
} from '@stochseg/core'
import { encodePng, normalizePng, readPng } from '@stochseg/data'
import type { CommandIo } from '../io'
import { type DeviceName, type OpenModel, openModel } from '../model/open-model'
import { showProgress } from '../progress'
import { createFolder, writeFileAtomically } from '../run-folder/atomic-write'
import { formatNumber, textTable } from '../table'

/** Flags of `stochseg predict`. */
export interface PredictFlags {
  readonly model: string
  readonly input: readonly string[]
  readonly out: string
  readonly samples: number
  readonly seed: number
  readonly temperature?: number
  readonly classScale?: ReadonlyMap<number, number>
  readonly shard?: { readonly index: number; readonly count: number }
  readonly device: DeviceName
  readonly json?: true
}

/** What `summary.json` holds beside an image's results. */
interface Summary {
  readonly input: string
  readonly folder: string
  readonly size: readonly number[]
  readonly samples: number
  readonly seed: number
  /** Noise stream: the image's place among all inputs. */
  readonly stream: number
  readonly temperature: number
  readonly classScale: readonly number[]
  /** Mean over the pixels of the marginal entropy, in [0, 1]. */
  readonly meanEntropy: number
  /** Pixels of each foreground class: in the mean label map, and over the samples. */
  readonly pixels: readonly {
    readonly class: number
    readonly mean: number
    readonly sampleMean: number
    readonly sampleDeviation: number
  }[]
}

/** Runs the verb. Every file is replaced in one go; results of images that are done stay when a later one fails. */
export async function predictVerb(flags: PredictFlags, io: CommandIo): Promise<void> {
  const folders = outputFolders(flags)
  await createFolder(flags.out)
  const model = await openModel(flags.model, { device: flags.device, signal: io.signal })
  try {
    const { index: part, count } = flags.shard ?? { index: 1, count: 1 }
    const streams = flags.input.map((_, stream) => stream).filter((stream) => stream % count === part - 1)
    const progress = showProgress(io.stderr, 'image')
    const summaries: Summary[] = []
    for (const stream of streams) {
      io.signal.throwIfAborted()
      summaries.push(await predictImage(model, stream, folders[stream]!, flags))
      progress.update(summaries.length, streams.length)
    }
    progress.finish()
    io.stdout.write(flags.json ? `${JSON.stringify(summaries, null, 2)}\n` : summaryTable(summaries))
  } finally {
    await model.dispose()
  }
}

/** A folder for each input, named after it. Throws `ValueError` when two inputs have one name. */
function outputFolders({ input, out }: PredictFlags): string[] {
  const folders = input.map((path) => join(out, basename(path, extname(path))))
  const twice = folders.findIndex((folder, index) => folders.indexOf(folder) < index)
  if (twice >= 0) {
    throw new ValueError('inputs', {
      found: `'${input[folders.indexOf(folders[twice]!)]}' and '${input[twice]}'`,
      expected: 'file names that differ: results go to a folder of that name',
      remedy: 'Rename one, or predict it into another folder',
    })
  }
  return folders
}

async function predictImage(
  model: OpenModel,
  stream: number,
  folder: string,
  flags: PredictFlags,
): Promise<Summary> {
  const path = flags.input[stream]!
  const { image, channels, spatial } = normalizePng(await readPng(path), path)
  if (channels !== model.metadata.channels) {
    throw new ModelError(`'${path}'`, {
      found: `${channels} channels`,
      expected: `${model.metadata.channels}, as the model wants`,
      remedy:
        model.metadata.channels === 1
          ? 'Save it as a grey image'
          : 'Choose images like those of the training',
    })
  }
  const distribution = await model.predict(image, 1, spatial)
  const classScale = classScales(flags.classScale, distribution.classes)
  const temperature = flags.temperature ?? 1
  const { samples, seed } = flags
  const options = { samples, seed, stream, edits: { temperature, classScale } }
  const mean = meanLabelMap(distribution)
  const entropy = marginalEntropy(distribution, options)
  const labels = sampleLabelMaps(distribution, options)

  await createFolder(folder)
  const save = (name: string, data: Uint8Array | Uint16Array): Promise<void> =>
    writeFileAtomically(join(folder, name), greyPng(data, spatial))
  const shown = model.labels === 2 ? 255 : 1
  const name = (sample: number): string => `sample-${String(sample + 1).padStart(3, '0')}.png`
  await save(
    'mean.png',
    mean.map((label) => label * shown),
  )
  await save(
    'entropy.png',
    Uint16Array.from(entropy, (value) => Math.round(Math.min(value, 1) * 65535)),
  )
  for (let sample = 0; sample < samples; sample++) {
    const map = labels.subarray(sample * mean.length, (sample + 1) * mean.length)
    await save(
      name(sample),
      map.map((label) => label * shown),
    )
  }
  await removeStaleSamples(folder, samples)
  const summary: Summary = {
    input: path,
    folder,
    size: spatial,
    samples,
    seed,
    stream,
    temperature,
    classScale,
    meanEntropy: average(entropy),
    pixels: pixelCounts(mean, labels, model.labels),
  }
  await writeFileAtomically(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  return summary
}

/** Samples of an earlier run with more of them would pass for this run's. */
async function removeStaleSamples(folder: string, samples: number): Promise<void> {
  const stale = (await readdir(folder)).filter(
    (name) => Number(/^sample-(\d+)\.png$/.exec(name)?.[1]) > samples,
  )
  for (const name of stale) await rm(join(folder, name))
}

function classScales(given: PredictFlags['classScale'], classes: LogitDistribution['classes']): number[] {
  const scales: number[] = Array(classes).fill(1)
  for (const [label, scale] of given ?? []) {
    if (label >= classes) {
      throw new ValueError('--class-scale', {
        found: `class ${label}`,
        expected: `0 to ${classes - 1}`,
        remedy: 'stochseg inspect shows the classes of a model',
      })
    }
    scales[label] = scale
  }
  return scales
}

function pixelCounts(mean: Uint8Array, samples: Uint8Array, labels: number): Summary['pixels'] {
  return Array.from({ length: labels - 1 }, (_, index) => {
    const label = index + 1
    const counts = Array.from({ length: samples.length / mean.length }, (_, sample) =>
      count(samples.subarray(sample * mean.length, (sample + 1) * mean.length), label),
    )
    const sampleMean = average(counts)
    const variance = average(counts.map((value) => (value - sampleMean) ** 2))
    return { class: label, mean: count(mean, label), sampleMean, sampleDeviation: Math.sqrt(variance) }
  })
}

function summaryTable(summaries: readonly Summary[]): string {
  return textTable([
    ['folder', 'size', 'class', 'pixels of mean', 'of samples', '±', 'entropy'],
    ...summaries.flatMap(({ folder, size, pixels, meanEntropy }) =>
      pixels.map((row) => [
        folder,
        size.toReversed().join('×'),
        String(row.class),
        String(row.mean),
        formatNumber(row.sampleMean),
        formatNumber(row.sampleDeviation, 3),
        formatNumber(meanEntropy, 3),
      ]),
    ),
  ])
}

function greyPng(data: Uint8Array | Uint16Array, [height, width]: readonly [number, number]): Uint8Array {
  return encodePng({ width, height, channels: 1, depth: data instanceof Uint16Array ? 16 : 8, data })
}

function count(labels: Uint8Array, label: number): number {
  return labels.reduce((sum, value) => sum + (value === label ? 1 : 0), 0)
}

function average(values: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index]!
  return sum / values.length
}

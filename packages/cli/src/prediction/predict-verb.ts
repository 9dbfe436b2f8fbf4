// stochseg predict: images in; mean label map, samples and entropy out, each image in a folder of its own.
import { basename, join } from 'node:path'
import { ValueError } from '@stochseg/core'
import type { NiftiLayout } from '@stochseg/data'
import { readLayout } from '../datasets/open-data'
import type { CommandIo } from '../io'
import { type DeviceName, type OpenModel, openModel } from '../model/open-model'
import { showProgress } from '../progress'
import { createFolder } from '../run-folder/atomic-write'
import { caseName } from './case-image'
import { type ImageOptions, predictImage } from './predict-image'
import { type Origin, type Summary, storedSummary, summaryTable } from './summary'

/** Flags of `stochseg predict`. */
export interface PredictFlags {
  readonly model: string
  readonly input: readonly string[]
  /** One for each input. */
  readonly mask?: readonly string[]
  /** A file. */
  readonly layout?: string
  readonly normalisation?: NiftiLayout['normalisation']
  readonly out: string
  readonly samples: number
  readonly seed: number
  readonly temperature?: number
  readonly classScale?: ReadonlyMap<number, number>
  readonly tile?: readonly number[]
  readonly overlap?: readonly number[]
  readonly storage: 'float32' | 'float16'
  readonly shard?: { readonly index: number; readonly count: number }
  readonly device: DeviceName
  readonly resume?: true
  readonly json?: true
}

/** Runs the verb. Every file is replaced in one go; results of images that are done stay when a later one fails. */
export async function predictVerb(flags: PredictFlags, io: CommandIo): Promise<void> {
  const folders = outputFolders(flags)
  checkMasks(flags)
  const layout = flags.layout === undefined ? undefined : await readLayout(flags.layout)
  await createFolder(flags.out)
  const model = await openModel(flags.model, { device: flags.device, signal: io.signal })
  try {
    const { index: part, count } = flags.shard ?? { index: 1, count: 1 }
    const streams = flags.input.map((_, stream) => stream).filter((stream) => stream % count === part - 1)
    const progress = showProgress(io.stderr, 'image')
    const summaries: Summary[] = []
    const options: ImageOptions = {
      layout,
      signal: io.signal,
      onTile: (done, total) => {
        if (total > 1) progress.update(summaries.length, streams.length, `tile ${done}/${total}`)
      },
    }
    try {
      for (const stream of streams) {
        io.signal.throwIfAborted()
        const origin = originOf(flags, stream, model)
        const folder = folders[stream]!
        const done = flags.resume ? await storedSummary(join(folder, 'summary.json'), origin) : undefined
        summaries.push(done ?? (await predictImage(model, origin, folder, options)))
        progress.update(summaries.length, streams.length)
      }
    } finally {
      progress.finish()
    }
    io.stdout.write(flags.json ? `${JSON.stringify(summaries, null, 2)}\n` : summaryTable(summaries))
  } finally {
    await model.dispose()
  }
}

/** A folder for each input, named after it. Throws `ValueError` when two inputs have one name. */
function outputFolders({ input, out }: PredictFlags): string[] {
  const folders = input.map((path) => join(out, caseName(path)))
  const twice = folders.findIndex((folder, index) => folders.indexOf(folder) < index)
  if (twice >= 0) {
    throw new ValueError('inputs', {
      found: `'${input[folders.indexOf(folders[twice]!)]}' and '${input[twice]}'`,
      expected: `names that differ: both results would go to ${basename(folders[twice]!)}`,
      remedy: 'Rename one, give the folders of patients, or predict it into another folder',
    })
  }
  return folders
}

function checkMasks({ input, mask }: PredictFlags): void {
  if (mask === undefined || mask.length === input.length) return
  throw new ValueError('--mask', {
    found: `${mask.length} masks for ${input.length} inputs`,
    expected: 'one for each, in the same order',
    remedy: 'Give them all, or none',
  })
}

function originOf(flags: PredictFlags, stream: number, model: OpenModel): Origin {
  const { layout, normalisation, tile, overlap, storage, samples, seed, temperature = 1 } = flags
  return {
    input: flags.input[stream]!,
    mask: flags.mask?.[stream],
    ...{ layout, normalisation, model: model.path, tile, overlap, storage },
    ...{ samples, seed, stream, temperature },
    classScale: classScales(flags.classScale, model.metadata.head.classes),
  }
}

function classScales(given: PredictFlags['classScale'], classes: number): number[] {
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

// One image: read, predicted in tiles, sampled, and written file by file.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ModelError, marginalEntropyAsync, meanLabelMap, sampleLabelMapsIterator } from '@stochseg/core'
import type { NiftiLayout } from '@stochseg/data'
import type { OpenModel } from '../model/open-model'
import { trainedLayout } from '../model/trained-layout'
import { createFolder, writeFileAtomically } from '../run-folder/atomic-write'
import { type CaseImage, readCaseImage } from './case-image'
import { average, labelCounts, type Origin, pixelFigures, type Summary } from './summary'

/** What {@link Origin} does not say. */
export interface ImageOptions {
  readonly layout?: NiftiLayout | undefined
  readonly signal: AbortSignal
  readonly onTile: (done: number, total: number) => void
}

/** Predicts the image of `origin` into `folder`. Every file is replaced in one go, the summary last. */
export async function predictImage(
  model: OpenModel,
  origin: Origin,
  folder: string,
  { layout, signal, onTile }: ImageOptions,
): Promise<Summary> {
  const { labels } = model
  const { input, mask, normalisation, tile, overlap, storage } = origin
  const found = await readCaseImage(input, {
    ...{ mask, layout, normalisation, labels, dimensions: model.metadata.dimensions },
    trained: trainedLayout(model),
  })
  checkFits(input, found, model)
  const { image, spatial, roi, extension } = found
  const axes = (lengths: readonly number[] | undefined): readonly number[] | undefined =>
    lengths?.length === 1 ? spatial.map(() => lengths[0]!) : lengths
  const distribution = await model.predictWhole(
    { images: image, batch: 1, spatial, roi },
    { tile: axes(tile), overlap: axes(overlap), storage, onProgress: onTile },
  )
  const { samples, seed, stream, temperature, classScale } = origin
  const options = { samples, seed, stream, edits: { temperature, classScale }, signal }

  await createFolder(folder)
  const summaryFile = join(folder, 'summary.json')
  // From here on the folder holds a mixture, which must not pass for a finished image.
  await rm(summaryFile, { force: true })
  const save = (name: string, bytes: Uint8Array): Promise<void> =>
    writeFileAtomically(join(folder, `${name}${extension}`), bytes)
  const mean = meanLabelMap(distribution)
  await save('mean', await found.labelFile(mean))
  const entropy = await marginalEntropyAsync(distribution, options)
  await save('entropy', await found.entropyFile(entropy))
  const counts: number[][] = []
  for await (const labelMap of sampleLabelMapsIterator(distribution, { ...options, ...(roi && { roi }) })) {
    counts.push(labelCounts(labelMap, labels))
    await save(`sample-${String(counts.length).padStart(3, '0')}`, await found.labelFile(labelMap))
  }
  await removeStaleSamples(folder, samples)

  const summary: Summary = {
    ...origin,
    folder,
    size: spatial,
    meanEntropy: average(entropy),
    pixels: pixelFigures(labelCounts(mean, labels), counts),
  }
  await writeFileAtomically(summaryFile, `${JSON.stringify(summary, null, 2)}\n`)
  return summary
}

function checkFits(
  input: string,
  { channels, spatial, extension }: CaseImage,
  { metadata }: OpenModel,
): void {
  if (spatial.length !== metadata.dimensions) {
    throw new ModelError(`'${input}'`, {
      found: `an image of ${spatial.length} dimensions`,
      expected: `${metadata.dimensions}, as the model wants`,
      remedy: metadata.dimensions === 3 ? 'Give volumes: .nii.gz or .npy' : 'Give images: PNG or .npy',
    })
  }
  if (channels === metadata.channels) return
  throw new ModelError(`'${input}'`, {
    found: `${channels} channels`,
    expected: `${metadata.channels}, as the model wants`,
    remedy:
      extension === '.npy'
        ? 'Save it with its channels first'
        : spatial.length === 3
          ? 'Give a file for each channel, with commas between them, or a folder and its layout'
          : metadata.channels === 1
            ? 'Save it as a grey image'
            : 'Choose images like those of the training',
  })
}

/** Samples of an earlier run with more of them would pass for this run's. */
async function removeStaleSamples(folder: string, samples: number): Promise<void> {
  const stale = (await readdir(folder)).filter(
    (name) => Number(/^sample-(\d+)\.(png|npy|nii\.gz)$/.exec(name)?.[1]) > samples,
  )
  for (const name of stale) await rm(join(folder, name))
}

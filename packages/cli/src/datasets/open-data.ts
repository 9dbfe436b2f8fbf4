// What --data means: a path, or `generated`.
import { readFile } from 'node:fs/promises'
import { DataError, type Dataset, ValueError } from '@stochseg/core'
import {
  ambiguousShapes,
  type NiftiLayout,
  niftiLayout,
  type OpenDataset,
  openDataset,
  type Split,
} from '@stochseg/data'

/** The word that stands for the built-in generator in place of a path. */
export const GENERATED = 'generated'

/** How many cases the generator gives for each split. */
export const GENERATED_CASES: Readonly<Record<Split, number>> = { train: 1000, val: 100, test: 100 }

/** How the data are to be read, where they do not say it themselves. */
export interface DataOptions {
  /** Label values, background included. */
  readonly classes?: number | undefined
  /** Which file of a NIfTI patient is what. */
  readonly layout?: NiftiLayout | undefined
  /** The layout that the model was trained on: for what neither the above nor the folder says. */
  readonly trained?: NiftiLayout | undefined
}

/** Opens one split of --data. Throws what the formats throw, `DataError` and `ValueError`. */
export async function openData(path: string, split: Split, options: DataOptions = {}): Promise<OpenDataset> {
  if (path === GENERATED) {
    return { ...ambiguousShapes({ split, cases: GENERATED_CASES[split] }), close: () => {} }
  }
  const { classes, layout, trained } = options
  return openDataset(path, {
    ...{ split, layout, otherwise: trained },
    ...(classes === undefined ? {} : { classes }),
  })
}

/** Reads the file of --layout. Throws `DataError`, and `ValueError` for a wrong key. */
export async function readLayout(path: string): Promise<NiftiLayout> {
  try {
    return niftiLayout(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    if (cause instanceof ValueError) throw cause
    throw new DataError(`layout '${path}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a JSON file, e.g. {"channels": ["flair", "t1c"], "labels": ["seg"], "mask": "brainmask"}',
      remedy: 'Name the files of a patient without .nii.gz',
      cause,
    })
  }
}

/** At most `limit` cases, evenly spread over the data set. */
export function spread(dataset: Dataset, limit: number): Dataset {
  if (dataset.length <= limit) return dataset
  const place = (index: number): number => Math.floor((index * dataset.length) / limit)
  return { ...dataset, length: limit, case: (index) => dataset.case(place(index)) }
}

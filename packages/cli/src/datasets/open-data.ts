// What --data means: a path, or `generated`.
import type { Dataset } from '@stochseg/core'
import { ambiguousShapes, type OpenDataset, openDataset, type Split } from '@stochseg/data'

/** The word that stands for the built-in generator in place of a path. */
export const GENERATED = 'generated'

/** How many cases the generator gives for each split. */
export const GENERATED_CASES: Readonly<Record<Split, number>> = { train: 1000, val: 100, test: 100 }

/** Opens one split of --data. Throws what the formats throw, `DataError` and `ValueError`. */
export async function openData(path: string, split: Split, classes?: number): Promise<OpenDataset> {
  if (path === GENERATED) {
    return { ...ambiguousShapes({ split, cases: GENERATED_CASES[split] }), close: () => {} }
  }
  return openDataset(path, classes === undefined ? { split } : { split, classes })
}

/** At most `limit` cases, evenly spread over the data set. */
export function spread(dataset: Dataset, limit: number): Dataset {
  if (dataset.length <= limit) return dataset
  const place = (index: number): number => Math.floor((index * dataset.length) / limit)
  return { ...dataset, length: limit, case: (index) => dataset.case(place(index)) }
}

// Which file of a patient's folder is what, and what its labels mean.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError, ValueError } from '@stochseg/core'

/** Names are those of files without `.nii` or `.nii.gz`; a file may also have its folder's name and `_` before it. */
export interface NiftiLayout {
  /** Image channels, in order. */
  readonly channels: readonly string[]
  /** Label maps, one for each rater. */
  readonly labels: readonly string[]
  /** The region of interest: inside where the value is above ½. Intensities outside of it become 0. */
  readonly mask?: string
  /** Class of each stored label, 0 for 0 unless given; without it a stored label is the class itself. */
  readonly labelValues?: Readonly<Record<string, number>>
  /** `z-score`: each channel of each case less its mean, over its standard deviation, both inside the mask. */
  readonly normalisation?: 'none' | 'z-score'
}

/** A file of this name at a data set's root says its layout. */
export const LAYOUT_FILE = 'dataset.json'

/** Layouts that are recognised by their files. */
export const KNOWN_LAYOUTS: Readonly<Record<string, NiftiLayout>> = {
  // The example set of DeepMedic: BraTS 2015 labels 1 necrosis, 2 oedema, 3 non-enhancing, 4 enhancing tumour become the
  // SSN paper's classes 1 non-enhancing and necrotic, 2 oedema, 3 enhancing.
  brats2015: {
    channels: ['Flair_subtrMeanDivStd', 'T1c_subtrMeanDivStd'],
    labels: ['OTMultiClass'],
    mask: 'brainmask',
    labelValues: { 1: 1, 2: 2, 3: 1, 4: 3 },
  },
}

/** The layout in `dataset.json` of a folder, if there is one. Throws {@link DataError} for one that cannot be used. */
export async function storedLayout(folder: string): Promise<NiftiLayout | undefined> {
  const path = join(folder, LAYOUT_FILE)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return niftiLayout(JSON.parse(text))
  } catch (cause) {
    throw new DataError(path, {
      found: `a layout that cannot be used (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'e.g. {"channels": ["flair", "t1c"], "labels": ["seg"], "mask": "brainmask"}',
      remedy: 'Name the files of a patient without .nii.gz',
      cause,
    })
  }
}

/** Checks a layout that came from outside. Throws {@link ValueError} that names the wrong key. */
export function niftiLayout(given: unknown): NiftiLayout {
  const { channels, labels, mask, labelValues, normalisation, ...others } = Object(given) as NiftiLayout
  const check = (key: string, value: unknown, fits: boolean, expected: string): void => {
    if (fits) return
    const found = JSON.stringify(value) ?? 'nothing'
    throw new ValueError(`layout '${key}'`, { found, expected, remedy: 'Correct the layout' })
  }
  check('channels', channels, isNames(channels), 'a list of file names')
  check('labels', labels, isNames(labels), 'a list of file names, one for each rater')
  check('mask', mask, mask === undefined || isName(mask), 'a file name')
  check(
    'labelValues',
    labelValues,
    labelValues === undefined || Object.entries(Object(labelValues)).every(isClassOfLabel),
    'stored labels and their classes, 0 to 255, e.g. {"4": 3}',
  )
  check(
    'normalisation',
    normalisation,
    normalisation === undefined || ['none', 'z-score'].includes(normalisation),
    "'none' or 'z-score'",
  )
  const keys = Object.keys(others)
  check(keys[0] ?? '', keys, keys.length === 0, 'channels, labels, mask, labelValues and normalisation alone')
  return given as NiftiLayout
}

/** The number of classes that a layout speaks of; nothing where stored labels are classes. */
export function layoutClasses({ labelValues }: NiftiLayout): number | undefined {
  return labelValues && Math.max(1, ...Object.values(labelValues)) + 1
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isName)
}

function isClassOfLabel([label, value]: readonly [string, unknown]): boolean {
  const isNumber = label.trim() !== '' && Number.isFinite(Number(label))
  return isNumber && Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255
}

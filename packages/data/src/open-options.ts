// What all formats are opened with, and what they give.
import { type Dataset, ValueError } from '@stochseg/core'
import type { NiftiLayout } from './nifti-layout'

/** The parts of a data set; patients are never shared between them. */
export type Split = 'train' | 'val' | 'test'

/** Which part of a data set to open, and how to read its labels. */
export interface OpenOptions {
  readonly split: Split
  /** Number of label values, background included. Default 2: binary masks. */
  readonly classes?: number
}

/** A data set that holds on to a file until it is closed. */
export interface OpenDataset extends Dataset {
  /** Of a folder of NIfTI patients: which file of a patient is what, as it was given or found. */
  readonly layout?: NiftiLayout
  close(): void
}

/** Throws {@link ValueError} unless `classes` is a whole number from 2 to 256. */
export function checkClasses(classes: number): void {
  if (!Number.isInteger(classes) || classes < 2 || classes > 256) {
    throw new ValueError('classes', {
      found: String(classes),
      expected: 'a whole number from 2 to 256',
      remedy: 'Give the number of label values, background included: 2 for binary masks',
    })
  }
}

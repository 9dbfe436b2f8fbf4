// What a network that somebody trained on LIDC gave for one image, and the image's four raters.
import { type LogitDistribution, logitDistribution } from '@stochseg/core'
import { readNpy } from '../scripts/read-npy'
import { referenceData } from '../scripts/reference-data'

const folder = referenceData('golden-ssn/example03')
if (folder === undefined) console.log('The trained head is absent: no reference data.')

/** 128×128, two classes, rank 10. */
export function trained(): LogitDistribution | undefined {
  if (folder === undefined) return undefined
  const array = (name: string): Float32Array => readNpy(`${folder}/${name}.npy`).data as Float32Array
  const parts = { mean: array('mean'), factor: array('factor'), diagonal: array('diagonal') }
  return logitDistribution({ batch: 1, classes: 2, rank: 10, spatial: [128, 128], ...parts })
}

/** `[4, 128, 128]`. */
export function trainedLabels(): Uint8Array | undefined {
  return folder && Uint8Array.from(readNpy(`${folder}/labels.npy`).data)
}

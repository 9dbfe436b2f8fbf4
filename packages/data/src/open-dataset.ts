// Opening a data set on disk, whatever its format.
import { stat } from 'node:fs/promises'
import { DataError } from '@stochseg/core'
import { openHdf5Dataset } from './hdf5'
import { type NiftiFolderOptions, openNiftiFolder } from './nifti-folder'
import { isNiftiFolder } from './nifti-patients'
import type { OpenDataset } from './open-options'
import { openPngFolder } from './png-folder'

/**
 * Opens one split of an HDF5 file ({@link openHdf5Dataset}), of a folder of NIfTI patients ({@link openNiftiFolder}) or of a folder
 * of PNGs ({@link openPngFolder}). A `layout` is for NIfTI alone.
 *
 * Throws `DataError` when there is nothing at `path`, or nothing that can be read.
 */
export async function openDataset(path: string, options: NiftiFolderOptions): Promise<OpenDataset> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(path, {
      found: 'no file or folder that can be opened',
      expected: 'an HDF5 file, a folder with images/ and gt/, or a folder of NIfTI patients',
      remedy: 'Check the path and its permissions',
      cause,
    })
  })
  if (!found.isDirectory()) return openHdf5Dataset(path, options)
  const nifti = options.layout !== undefined || (await isNiftiFolder(path))
  return nifti ? openNiftiFolder(path, options) : openPngFolder(path, options)
}

// Opening a data set on disk, whatever its format.
import { stat } from 'node:fs/promises'
import { DataError } from '@stochseg/core'
import { openHdf5Dataset } from './hdf5'
import type { OpenDataset, OpenOptions } from './open-options'
import { openPngFolder } from './png-folder'

/**
 * Opens one split of an HDF5 file ({@link openHdf5Dataset}) or of a folder of PNGs ({@link openPngFolder}).
 *
 * Throws `DataError` when there is nothing at `path`, or nothing that can be read.
 */
export async function openDataset(path: string, options: OpenOptions): Promise<OpenDataset> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(path, {
      found: 'no file or folder that can be opened',
      expected: 'an HDF5 file or a folder with images/ and gt/',
      remedy: 'Check the path and its permissions',
      cause,
    })
  })
  return found.isDirectory() ? openPngFolder(path, options) : openHdf5Dataset(path, options)
}

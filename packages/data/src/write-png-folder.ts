// Any 2D data set as a folder of PNGs, in the layout of png-folder.ts.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DataError, type Dataset, ValueError } from '@stochseg/core'
import { writePng } from './png'

/**
 * Writes a 2D data set as images/ and gt/ into `folder`, as `openPngFolder` reads it: 8-bit images (intensities in
 * [−½, ½] are mapped back to 0 to 255), masks of 0 and 255 for two classes, otherwise of the class.
 *
 * A case's id `patient/name` gives the file's name. Throws `DataError` when `folder` cannot be written and
 * {@link ValueError} for a data set that does not fit the layout.
 */
export async function writePngFolder(dataset: Dataset, folder: string): Promise<void> {
  const { channels, classes, spatial } = dataset
  const [height, width] = spatial
  if (spatial.length !== 2 || height === undefined || width === undefined || ![1, 3].includes(channels)) {
    throw new ValueError(dataset.name, {
      found: `${channels} channels of size [${spatial}]`,
      expected: 'grey or RGB images of two dimensions',
      remedy: 'Write volumes in another format',
    })
  }
  const pixels = height * width
  const on = classes === 2 ? 255 : 1
  for (let index = 0; index < dataset.length; index++) {
    const { id, image, raters } = await dataset.case(index)
    const outside = image.find((value) => !(value >= -0.5 && value <= 0.5))
    if (outside !== undefined) {
      throw new ValueError(`${dataset.name}, image ${id}`, {
        found: `intensity ${outside}`,
        expected: 'intensities from −0.5 to 0.5',
        remedy: 'Rescale the images: a PNG cannot hold others',
      })
    }
    await makeParents(folder, id)
    const data = new Uint8Array(image.length)
    for (let at = 0; at < data.length; at++) {
      data[at] = Math.round((image[(at % channels) * pixels + Math.floor(at / channels)]! + 0.5) * 255)
    }
    await writePng(join(folder, 'images', `${id}.png`), { width, height, channels, depth: 8, data })
    for (let rater = 0; rater * pixels < raters.length; rater++) {
      const labels = raters.subarray(rater * pixels, (rater + 1) * pixels)
      await writePng(join(folder, 'gt', `${id}_l${rater}.png`), {
        width,
        height,
        channels: 1,
        depth: 8,
        data: labels.map((label) => label * on),
      })
    }
  }
}

async function makeParents(folder: string, id: string): Promise<void> {
  for (const part of ['images', 'gt']) {
    const parent = dirname(join(folder, part, id))
    await mkdir(parent, { recursive: true }).catch((cause: unknown) => {
      throw new DataError(parent, {
        found: `a folder that cannot be made (${cause instanceof Error ? cause.message : String(cause)})`,
        expected: 'permission to write',
        remedy: 'Choose another folder, or correct its permissions',
        cause,
      })
    })
  }
}

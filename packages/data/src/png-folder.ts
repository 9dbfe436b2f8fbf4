// A folder of PNGs: images/<patient>/<name>.png and gt/<patient>/<name>_l<k>.png, one mask per rater k.
// The patient folder may be left out in both.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Case, DataError, ValueError } from '@stochseg/core'
import { checkClasses, type OpenDataset, type OpenOptions, type Split } from './open-options'
import { SPLITS, splitOf } from './patient-split'
import { normalizePng, type PngImage, readPng } from './png'

interface ImageFiles {
  readonly id: string
  readonly image: string
  readonly masks: readonly string[]
}

/**
 * Opens one split of a folder of PNGs.
 *
 * Where `path` has folders train, val or test, each with its own images/ and gt/, they are the splits. Otherwise patients
 * go 60 : 20 : 20 to train, val and test ({@link splitOf}); an image outside a patient folder is a patient of its own.
 * Masks of two classes hold 0 and 1, or 0 and 255; of more, the class itself. Images may be grey or RGB, of 8 or 16 bits;
 * {@link normalizePng} maps them to [−½, ½]. Files are read when a case is asked for.
 *
 * Throws `DataError` for a missing folder or mask, an empty split, a damaged file, and a mask or image of another size than
 * the first image; `ValueError` for a mask value that is no class.
 */
export async function openPngFolder(path: string, options: OpenOptions): Promise<OpenDataset> {
  const { split, classes = 2 } = options
  checkClasses(classes)
  const cases = await casesOf(path, split)
  const first = normalizePng(await readPng(cases[0]!.image), cases[0]!.image)
  const { channels, spatial } = first

  const readCase = async (index: number): Promise<Case> => {
    const { id, image: imagePath, masks } = cases[index]!
    const found = normalizePng(await readPng(imagePath), imagePath)
    if (found.channels !== channels) {
      throw new DataError(imagePath, {
        found: `${found.channels} channels`,
        expected: `${channels}, as in ${cases[0]!.image}`,
        remedy: 'Save all images either grey or RGB',
      })
    }
    checkSize(imagePath, found.spatial, spatial, cases[0]!.image)
    const raters = new Uint8Array(masks.length * spatial[0] * spatial[1])
    const readMask = async (maskPath: string, rater: number): Promise<void> => {
      const mask = await readPng(maskPath)
      checkSize(maskPath, [mask.height, mask.width], found.spatial, imagePath)
      raters.set(labelsOf(mask, maskPath, classes), rater * spatial[0] * spatial[1])
    }
    await Promise.all(masks.map(readMask))
    return { id, image: found.image, raters }
  }
  return {
    name: path,
    channels,
    classes,
    spatial,
    length: cases.length,
    case: readCase,
    close: () => {},
  }
}

async function casesOf(path: string, split: Split): Promise<readonly ImageFiles[]> {
  const root = await readdir(path).catch((): string[] => [])
  const named = SPLITS.filter((name) => root.includes(name))
  if (named.length > 0 && !named.includes(split)) {
    throw new DataError(path, {
      found: `only ${named.join(', ')}`,
      expected: `a folder ${split}`,
      remedy: 'Add it, or put all images into images/ and gt/ to have patients split 60 : 20 : 20',
    })
  }
  const base = named.length > 0 ? join(path, split) : path
  const images = await pngsBelow(join(base, 'images'))
  const masks = await pngsBelow(join(base, 'gt'))
  const ids = images.map((file) => file.slice(0, -'.png'.length))
  const chosen = named.length > 0 ? ids : ids.filter((id) => splitOf(id.split('/')[0]!) === split)
  if (chosen.length === 0) {
    throw new DataError(join(base, 'images'), {
      found: ids.length === 0 ? 'no PNG' : `${ids.length} images, none of them in split ${split}`,
      expected: 'images/<patient>/<name>.png',
      remedy:
        ids.length === 0
          ? 'Put the images there'
          : 'With so few patients, make folders train, val and test, each with images/ and gt/',
    })
  }
  const raters = new Set(
    masks.map((file) => /_l\d+\.png$/.exec(file)?.[0]).filter((end) => end !== undefined),
  )
  const ends = [...raters].sort((a, b) => Number.parseInt(a.slice(2), 10) - Number.parseInt(b.slice(2), 10))
  const present = new Set(masks)
  for (const id of chosen) {
    const missing = ends.length === 0 ? '_l0.png' : ends.find((end) => !present.has(id + end))
    if (missing !== undefined) {
      throw new DataError(join(base, 'gt', id + missing), {
        found: 'no such mask',
        expected: `one mask per rater beside every image (${ends.length} raters in gt/)`,
        remedy: 'Add the mask (all 0 if this rater marked nothing), or remove the image',
      })
    }
  }
  return chosen.map((id) => ({
    id,
    image: join(base, 'images', `${id}.png`),
    masks: ends.map((end) => join(base, 'gt', id + end)),
  }))
}

/** PNG files in `folder` and in its folders, as `name.png` and `patient/name.png`, sorted. */
async function pngsBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new DataError(folder, {
      found: 'no folder that can be opened',
      expected: 'images/<patient>/<name>.png and gt/<patient>/<name>_l<k>.png',
      remedy: 'Check the path; masks of rater k end in _l<k>.png',
      cause,
    })
  })
  return entries
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.png'))
    .sort()
}

function checkSize(
  subject: string,
  found: readonly number[],
  expected: readonly number[],
  reference: string,
): void {
  if (found[0] === expected[0] && found[1] === expected[1]) return
  throw new DataError(subject, {
    found: `${found[1]}×${found[0]} pixels`,
    expected: `${expected[1]}×${expected[0]}, as in ${reference}`,
    remedy: 'Crop or resample it (masks with nearest neighbour) to the same size',
  })
}

function labelsOf(mask: PngImage, path: string, classes: number): Uint8Array {
  if (mask.channels !== 1) {
    throw new DataError(path, {
      found: `${mask.channels} channels`,
      expected: 'a mask of one channel',
      remedy: 'Save it grey, or indexed with the class as index',
    })
  }
  // A binary mask is 0 and 1, or 0 and white; both in one would hide a third value, such as "ignore".
  const white = 2 ** mask.depth - 1
  const on = classes === 2 && mask.palette === undefined && mask.data.includes(white) ? white : 1
  const wrong = mask.data.find((value) => (on === 1 ? value >= classes : value !== 0 && value !== on))
  if (wrong !== undefined) {
    throw new ValueError(path, {
      found: `value ${wrong}${on === 1 ? '' : ` beside ${on}`}`,
      expected: classes === 2 ? `0 and 1, or 0 and ${white}` : `classes, 0 to ${classes - 1}`,
      remedy: 'Correct the mask, or give the number of classes that the data has',
    })
  }
  return Uint8Array.from(mask.data, (value) => value / on)
}

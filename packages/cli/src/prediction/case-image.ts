// What --input means: a PNG, a numpy array, the NIfTI files of one image (one a channel), or a patient's folder of them. Results are
// written in the format and the space of the input.
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { DataError } from '@stochseg/core'
import {
  encodeNifti,
  encodeNpy,
  encodePng,
  type NiftiData,
  type NiftiImageFiles,
  type NiftiLayout,
  type NpyData,
  normalizePng,
  npyImage,
  patientImage,
  readNiftiImage,
  readNpy,
  readPng,
} from '@stochseg/data'

/** An image to predict, and how its results become files. */
export interface CaseImage {
  /** `[channels, *spatial]`. */
  readonly image: Float32Array
  readonly channels: number
  readonly spatial: readonly number[]
  /** `[*spatial]`. */
  readonly roi?: Uint8Array
  /** What the names of its files end in. */
  readonly extension: '.png' | '.npy' | '.nii.gz'
  /** The file of a label map `[*spatial]`. */
  readonly labelFile: (labels: Uint8Array) => Promise<Uint8Array>
  /** The file of an entropy map `[*spatial]`, values from 0 to 1. */
  readonly entropyFile: (entropy: Float32Array) => Promise<Uint8Array>
}

/** How inputs are read. */
export interface CaseOptions {
  /** A file that is above half its range, or above ½ in NIfTI and numpy arrays, inside the region of interest. */
  readonly mask?: string | undefined
  /** Which file of a patient's folder is what, and how NIfTI intensities are normalised. */
  readonly layout?: NiftiLayout | undefined
  readonly normalisation?: NiftiLayout['normalisation'] | undefined
  /** The layout that the model was trained on: for what neither the two above nor the folder say. */
  readonly trained?: NiftiLayout | undefined
  /** Label values of the model, background included. */
  readonly labels: number
  /** Spatial axes that the model wants. */
  readonly dimensions: 2 | 3
}

const NIFTI = /\.nii(\.gz)?$/

/** The name of an input's results: that of its folder or of its first file, without what says the format. */
export function caseName(input: string): string {
  return basename(input.split(',')[0]!).replace(/\.nii(\.gz)?$|\.[^.]+$/, '')
}

/** Reads an input. Throws `DataError` for files that are missing, damaged or do not belong together. */
export async function readCaseImage(input: string, options: CaseOptions): Promise<CaseImage> {
  const { mask, layout, normalisation, trained } = options
  const files = input.split(',')
  if (files.every((file) => NIFTI.test(file))) {
    return niftiCase({ channels: files, mask }, normalisation ?? (layout ?? trained)?.normalisation)
  }
  if (files.length > 1) {
    throw new DataError(`'${input}'`, {
      found: 'several files that are not all NIfTI',
      expected: 'one PNG or .npy, or a .nii.gz for each channel with commas between them',
      remedy: 'Give images of their own as arguments of their own, with spaces between them',
    })
  }
  const isFolder = await stat(input).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) return input.endsWith('.npy') ? npyCase(input, options) : pngCase(input, options)
  const patient = await patientImage(input, layout, trained)
  const withMask = mask === undefined ? patient.files : { ...patient.files, mask }
  return niftiCase(withMask, normalisation ?? patient.layout.normalisation)
}

async function niftiCase(
  files: NiftiImageFiles,
  normalisation: NiftiLayout['normalisation'],
): Promise<CaseImage> {
  const { space, ...found } = await readNiftiImage(files, normalisation)
  const file = (data: NiftiData): Promise<Uint8Array> =>
    promisify(gzip)(encodeNifti({ data, spatial: found.spatial, space }))
  return { ...found, extension: '.nii.gz', labelFile: file, entropyFile: file }
}

/** Label maps are uint8, entropy is float32. */
async function npyCase(path: string, { mask, dimensions }: CaseOptions): Promise<CaseImage> {
  const found = npyImage(await readNpy(path), dimensions, path)
  const file = async (data: NpyData): Promise<Uint8Array> => encodeNpy({ shape: found.spatial, data })
  return {
    ...found,
    ...(mask === undefined ? {} : { roi: await npyMask(mask, found.spatial) }),
    extension: '.npy',
    labelFile: file,
    entropyFile: file,
  }
}

async function npyMask(path: string, size: readonly number[]): Promise<Uint8Array> {
  const { shape, data } = await readNpy(path)
  if (String(shape) === String(size)) return Uint8Array.from(data, (value) => Number(value > 0.5))
  throw new DataError(path, {
    found: `an array of shape (${shape.join(', ')})`,
    expected: `(${size.join(', ')}), as its image`,
    remedy: 'Give the mask that belongs to the image',
  })
}

/** Binary label maps are black and white; others hold their labels. Entropy from 0 to 1 is 16 bits from black to white. */
async function pngCase(path: string, { mask, labels: values }: CaseOptions): Promise<CaseImage> {
  const found = normalizePng(await readPng(path), path)
  const [height, width] = found.spatial
  const shown = values === 2 ? 255 : 1
  const grey = (data: Uint8Array | Uint16Array): Uint8Array =>
    encodePng({ width, height, channels: 1, depth: data instanceof Uint16Array ? 16 : 8, data })
  return {
    ...found,
    ...(mask === undefined ? {} : { roi: await pngMask(mask, [height, width]) }),
    extension: '.png',
    labelFile: async (labels) => grey(labels.map((label) => label * shown)),
    entropyFile: async (entropy) =>
      grey(Uint16Array.from(entropy, (value) => Math.round(Math.min(value, 1) * 65535))),
  }
}

async function pngMask(path: string, size: readonly number[]): Promise<Uint8Array> {
  const { image, channels, spatial } = normalizePng(await readPng(path), path)
  if (channels === 1 && String(spatial) === String(size)) {
    return Uint8Array.from(image, (value) => Number(value > 0))
  }
  throw new DataError(path, {
    found: `${channels} channels of ${spatial.join(' × ')} pixels`,
    expected: `a grey image of ${size.join(' × ')}, as its image`,
    remedy: 'Give the mask that belongs to the image',
  })
}

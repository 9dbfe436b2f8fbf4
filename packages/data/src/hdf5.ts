// HDF5, the layout in which the field passes LIDC-IDRI around: groups train, val and test, each with
// images [N,H,W], labels [N,H,W,K] (one mask per rater, interleaved) and uids [N].
import { type Case, DataError, StochsegError, ValueError } from '@stochseg/core'
import type * as h5wasm from 'h5wasm/node'
import { checkIntensities, normalizeIntensities } from './intensities'
import { checkClasses, type OpenDataset, type OpenOptions } from './open-options'

/** What opening an HDF5 file may be told beside the split. */
export interface Hdf5Options extends OpenOptions {
  /** A split up to this size is read once and kept; beyond it, every case is read when asked for. Default 512 MiB. */
  readonly keepBytes?: number
}

/** Bytes of one read. The reader's memory is 32-bit, so a large split must not be read in one piece. */
const PIECE_BYTES = 2 ** 24

/** HDF5's numbers for the kinds of type that hold numbers; h5py stores numpy's bool as an enumeration. */
const INTEGER = 0
const FLOAT = 1
const ENUMERATION = 8

type NumberArray = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array

/**
 * Opens one split of an HDF5 file: group `split` with `images` `[N,H,W]`, `labels` `[N,H,W,K]` or `[N,H,W]`, and
 * `uids` `[N]` (optional: without them a case is named `<split>/<index>`).
 *
 * Unsigned integer images are divided by their type's largest value, then ½ is taken off; float images are taken as
 * they are. Throws `DataError` for a file that is missing, truncated or not HDF5, for a layout other than this one, and
 * for an empty split; reading a case throws `DataError` for NaN pixels and `ValueError` for a label that is no class.
 */
export async function openHdf5Dataset(path: string, options: Hdf5Options): Promise<OpenDataset> {
  const { split, classes = 2, keepBytes = 2 ** 29 } = options
  checkClasses(classes)
  const file = await openFile(path)
  try {
    const group = member(file, split, path, 'Group') as h5wasm.Group
    const subject = `${path}, ${split}`
    const images = dataset(group, 'images', subject)
    const labels = dataset(group, 'labels', subject)
    const imageShape = images.shape ?? []
    const labelShape = labels.shape ?? []
    checkShapes(subject, imageShape, labelShape)
    const largest = largestIntensity(images, `${subject} images`)
    checkLabelType(labels, `${subject} labels`)
    const [length, ...spatial] = imageShape as [number, ...number[]]
    const raters = labelShape[3] ?? 1
    const ids = caseNames(group, split, length)
    const keep = byteLength(images) + byteLength(labels) <= keepBytes
    const imageRow = rowReader(images, keep, `${subject} images`)
    const labelRow = rowReader(labels, keep, `${subject} labels`)

    const readCase = (index: number): Case => {
      const id = ids[index]!
      const pixels = imageRow(index)
      const image = largest === undefined ? Float32Array.from(pixels) : normalizeIntensities(pixels, largest)
      checkIntensities(`${path}, image ${id}`, image)
      const interleaved = labelRow(index)
      checkLabels(`${path}, labels of ${id}`, interleaved, classes)
      return { id, image, raters: planar(interleaved, raters) }
    }
    return {
      name: path,
      channels: 1,
      classes,
      spatial,
      length,
      case: async (index) => readCase(index),
      close: () => file.close(),
    }
  } catch (error) {
    close(file)
    throw error instanceof StochsegError ? error : unreadable(path, error)
  }
}

async function openFile(path: string): Promise<h5wasm.File> {
  const { File, ready } = await import('h5wasm/node')
  // HDF5 would print its error stack on stderr otherwise.
  ;(await ready).activate_throwing_error_handler()
  try {
    return new File(path, 'r')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): DataError {
  return new DataError(path, {
    found: `a file that HDF5 cannot open (${reasonOf(cause)})`,
    expected: 'an HDF5 file with groups train, val and test',
    remedy: 'Check the path; if the file was copied or downloaded, get it again in full',
    cause,
  })
}

/** Closes a file that could not be read; what was wrong with it is the error to report, not that it cannot be closed either. */
function close(file: h5wasm.File): void {
  try {
    file.close()
  } catch {}
}

/** The innermost line of HDF5's error stack, else what else went wrong. */
function reasonOf(cause: unknown): string {
  const message = String(cause instanceof Error ? cause.message : cause)
  const lines = message.match(/\(\): .*/g)
  return lines?.at(-1)?.slice(4) ?? message.split('\n')[0]!
}

function member(
  group: h5wasm.Group,
  name: string,
  subject: string,
  type: 'Group' | 'Dataset',
): h5wasm.Entity {
  const present = group.keys()
  const entity = present.includes(name) ? group.get(name) : null
  if (entity === null || !('type' in entity) || entity.type !== type) {
    throw new DataError(subject, {
      found: present.length === 0 ? 'nothing' : `only ${present.join(', ')}`,
      expected: `a ${type.toLowerCase()} named ${name}`,
      remedy: 'The layout is groups train, val and test, each with images [N,H,W] and labels [N,H,W,K]',
    })
  }
  return entity
}

function dataset(group: h5wasm.Group, name: string, subject: string): h5wasm.Dataset {
  return member(group, name, subject, 'Dataset') as h5wasm.Dataset
}

function checkShapes(subject: string, images: readonly number[], labels: readonly number[]): void {
  const fits =
    images.length === 3 &&
    (labels.length === 3 || labels.length === 4) &&
    images.every((size, axis) => size === labels[axis]) &&
    labels[3] !== 0
  if (!fits) {
    throw new DataError(subject, {
      found: `images [${images}] and labels [${labels}]`,
      expected: 'images [N,H,W] and labels [N,H,W,K] of the same N, H and W',
      remedy: 'Store one grey slice an image, and one mask per rater on the last axis',
    })
  }
  if (product(images) === 0) {
    throw new DataError(subject, {
      found: `no images ([${images}])`,
      expected: 'at least one image',
      remedy: 'Choose another split, or fill this one',
    })
  }
}

/** The largest value of an unsigned integer type; nothing for floats. */
function largestIntensity(images: h5wasm.Dataset, subject: string): number | undefined {
  const { type, size, signed } = images.metadata
  if (type === FLOAT && size >= 4 && size <= 8) return undefined
  if (type === INTEGER && !signed && size <= 2) return 2 ** (8 * size) - 1
  throw new DataError(subject, {
    found: `elements of type ${String(images.dtype)}`,
    expected: 'uint8, uint16, float32 or float64',
    remedy:
      type === FLOAT
        ? 'Store the images as float32'
        : 'Signed intensities such as Hounsfield units must be normalised first: store them as floats',
  })
}

function checkLabelType(labels: h5wasm.Dataset, subject: string): void {
  const { type, size } = labels.metadata
  const fits =
    type === FLOAT ? size >= 4 && size <= 8 : (type === INTEGER || type === ENUMERATION) && size <= 4
  if (fits) return
  throw new DataError(subject, {
    found: `elements of type ${String(labels.dtype)}`,
    expected: 'uint8, or bool',
    remedy: 'Store the masks as uint8',
  })
}

/** Throws {@link ValueError} unless every label is below `classes`. */
function checkLabels(subject: string, labels: NumberArray, classes: number): void {
  const wrong = (labels as Float64Array).find(
    (label) => !(label >= 0 && label < classes && Number.isInteger(label)),
  )
  if (wrong === undefined) return
  throw new ValueError(subject, {
    found: `label ${wrong}`,
    expected: `whole numbers from 0 to ${classes - 1}`,
    remedy: 'Correct the mask, or give the number of classes that the data has',
  })
}

function caseNames(group: h5wasm.Group, split: string, length: number): readonly string[] {
  const uids = group.keys().includes('uids') ? dataset(group, 'uids', split).value : undefined
  const names = Array.isArray(uids) || ArrayBuffer.isView(uids) ? Array.from(uids as string[], String) : []
  if (names.length !== length) return Array.from({ length }, (_, index) => `${split}/${index}`)
  return new Set(names).size === length ? names : names.map((name, index) => `${name}#${index}`)
}

/** Gives row `index` of a dataset's first axis, from a copy in memory if `keep`, otherwise from the file. */
function rowReader(source: h5wasm.Dataset, keep: boolean, subject: string): (index: number) => NumberArray {
  const [rows, ...rest] = source.shape as [number, ...number[]]
  const rowLength = product(rest)
  const read = (from: number, to: number): NumberArray => {
    try {
      return source.slice([[from, to]]) as NumberArray
    } catch (cause) {
      throw new DataError(subject, {
        found: `rows ${from} to ${to - 1} that cannot be read (${reasonOf(cause)})`,
        expected: 'readable data',
        remedy:
          'The file is damaged or uses a compression that is not built in: copy it again, or re-save it with gzip',
        cause,
      })
    }
  }
  if (!keep) return (index) => read(index, index + 1)
  // Whole chunks at a time, so that none is decompressed twice.
  const chunkRows = source.metadata.chunks?.[0] ?? 1
  const chunkBytes = chunkRows * rowLength * source.metadata.size
  const pieceRows = chunkRows * Math.max(1, Math.floor(PIECE_BYTES / chunkBytes))
  const pieces: NumberArray[] = []
  for (let from = 0; from < rows; from += pieceRows) {
    pieces.push(read(from, Math.min(from + pieceRows, rows)))
  }
  return (index) => {
    const offset = (index % pieceRows) * rowLength
    return pieces[Math.floor(index / pieceRows)]!.subarray(offset, offset + rowLength)
  }
}

/** `[*S, K]` to `[K, *S]`. */
function planar(interleaved: NumberArray, raters: number): Uint8Array {
  const voxels = interleaved.length / raters
  const output = new Uint8Array(interleaved.length)
  for (let rater = 0; rater < raters; rater++) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      output[rater * voxels + voxel] = interleaved[voxel * raters + rater]!
    }
  }
  return output
}

function byteLength(source: h5wasm.Dataset): number {
  return source.metadata.size * product(source.shape ?? [])
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1)
}

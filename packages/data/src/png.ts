// PNG files: in as integer pixels, out again without loss; and as normalised images for a network.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { DataError, ShapeError } from '@stochseg/core'
import { decode, encode } from 'fast-png'
import { checkIntensities, normalizeIntensities } from './intensities'

/** A decoded PNG. */
export interface PngImage {
  readonly width: number
  readonly height: number
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: number
  /** Bits of one value: 1, 2, 4 and 8 are one byte each in `data`, not packed. */
  readonly depth: 1 | 2 | 4 | 8 | 16
  /** `[height, width, channels]`, interleaved; with a palette, the indices into it. */
  readonly data: Uint8Array | Uint16Array
  /** Colours of an indexed image, `[red, green, blue]` or with alpha, 0 to 255. */
  readonly palette?: readonly (readonly number[])[]
  /** A value of each channel that together stand for transparency, in a grey or RGB image that says so. */
  readonly transparent?: readonly number[]
}

/** Decodes a PNG. `name` is for the error: `DataError` for bytes that are truncated, damaged or no PNG. */
export function decodePng(bytes: Uint8Array, name = 'PNG'): PngImage {
  try {
    const decoded = decode(bytes, { checkCrc: true })
    const { width, height, channels, depth, data, palette, transparency } = decoded
    const image = { width, height, channels, depth, data: unpack(data, width * channels, height, depth) }
    if (palette !== undefined) return { ...image, palette }
    return transparency?.length ? { ...image, transparent: [...transparency] } : image
  } catch (cause) {
    throw new DataError(name, {
      found: `${bytes.length} bytes that do not decode (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'a whole PNG',
      remedy: 'The file is truncated, damaged or of another format: export or copy it again',
      cause,
    })
  }
}

/** Reads a PNG file. Throws `DataError` when it is missing, truncated, damaged or no PNG. */
export async function readPng(path: string): Promise<PngImage> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new DataError(path, {
      found: 'no file that can be opened',
      expected: 'a PNG',
      remedy: 'Check the path and its permissions',
      cause,
    })
  })
  return decodePng(bytes, path)
}

/** Encodes 8- or 16-bit pixels. Throws {@link ShapeError} when `data` has another length than the sizes say. */
export function encodePng(image: PngImage): Uint8Array {
  const { width, height, channels, depth, data } = image
  if (data.length !== width * height * channels || (depth === 16) !== data instanceof Uint16Array) {
    throw new ShapeError('PNG data', {
      found: `${data.length} values in ${data.constructor.name}`,
      expected: `${width * height * channels} values of ${depth} bits for [${[height, width, channels]}]`,
      remedy: 'Use a Uint8Array for 8 bits and a Uint16Array for 16',
    })
  }
  const palette = image.palette?.map((colour) => [...colour])
  return encode({ width, height, channels, depth: depth === 16 ? 16 : 8, data, ...(palette && { palette }) })
}

/**
 * Writes a PNG file; whatever was at `path` is replaced only once all is written.
 *
 * Throws `DataError` when the file cannot be written, and as {@link encodePng} does.
 */
export async function writePng(path: string, image: PngImage): Promise<void> {
  const bytes = encodePng(image)
  const partial = `${path}.partial`
  try {
    await writeFile(partial, bytes)
    await rename(partial, path)
  } catch (cause) {
    throw new DataError(path, {
      found: `a file that cannot be written (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'a folder that exists, with permission and space to write',
      remedy: 'Choose another folder, or correct its permissions',
      cause,
    })
  }
}

/** A PNG as a network's input: planar `[channels, height, width]`, the full range of its type mapped to [−½, ½]. */
export interface NormalizedImage {
  readonly image: Float32Array
  readonly channels: number
  /** `[height, width]`. */
  readonly spatial: readonly [number, number]
}

/**
 * Normalises a PNG's pixels; an indexed image is taken by its colours.
 *
 * Throws `DataError` for an image with transparency (nothing says what lies behind it), or an index without a colour.
 */
export function normalizePng(png: PngImage, name = 'PNG'): NormalizedImage {
  const { width, height, palette, transparent } = png
  const stored = palette === undefined ? png.channels : palette[0]!.length
  const values = palette === undefined ? png.data : [...png.data].flatMap((index) => palette[index] ?? [])
  const largest = palette === undefined ? 2 ** png.depth - 1 : 255
  const channels = stored === 2 || stored === 4 ? stored - 1 : stored
  const pixels = width * height
  const planes = new Float64Array(channels * pixels)
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      planes[channel * pixels + pixel] = values[pixel * stored + channel]!
    }
    const isTransparent =
      channels !== stored
        ? values[pixel * stored + channels] !== largest
        : transparent?.every((value, channel) => values[pixel * stored + channel] === value)
    if (isTransparent) {
      throw new DataError(name, {
        found: `a transparent pixel at row ${Math.floor(pixel / width)}, column ${pixel % width}`,
        expected: 'an opaque image',
        remedy: 'Save it without transparency',
      })
    }
  }
  const image = normalizeIntensities(planes, largest)
  checkIntensities(name, image)
  return { image, channels, spatial: [height, width] }
}

/** Values of fewer than 8 bits come packed, each row padded to whole bytes. */
function unpack(
  data: Uint8Array | Uint8ClampedArray | Uint16Array,
  rowLength: number,
  rows: number,
  depth: PngImage['depth'],
): Uint8Array | Uint16Array {
  if (data instanceof Uint16Array) return data
  if (depth >= 8) return new Uint8Array(data)
  const rowBytes = Math.ceil((rowLength * depth) / 8)
  const output = new Uint8Array(rowLength * rows)
  for (let index = 0; index < output.length; index++) {
    const bit = (index % rowLength) * depth
    const byte = data[Math.floor(index / rowLength) * rowBytes + (bit >> 3)]!
    output[index] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
  }
  return output
}

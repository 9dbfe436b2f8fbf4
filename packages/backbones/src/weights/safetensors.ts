// The safetensors format: u64 header length, JSON header, little-endian data (github.com/huggingface/safetensors).
import { ModelError, type Weight, type Weights } from '@stochseg/core'

interface TensorEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [begin: number, end: number]
}

/** Weights and string metadata as a safetensors file, tensors in the map's order. */
export function encodeSafetensors(
  weights: Weights,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header = new Map<string, unknown>([['__metadata__', metadata]])
  let dataLength = 0
  for (const [name, { shape, data }] of weights) {
    if (name === '__metadata__' || data.length !== size(shape)) {
      throw fileError(
        `'${name}' of shape [${shape}] with ${data.length} values`,
        'one value for each place of its shape',
      )
    }
    header.set(name, { dtype: 'F32', shape, data_offsets: [dataLength, dataLength + 4 * data.length] })
    dataLength += 4 * data.length
  }
  const json = JSON.stringify(Object.fromEntries(header))
  // Spaces, so that the data starts at a multiple of 8.
  const padding = ' '.repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8)
  const text = new TextEncoder().encode(json + padding)

  const bytes = new Uint8Array(8 + text.length + dataLength)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  let offset = 8 + text.length
  for (const { data } of weights.values()) {
    for (const value of data) {
      view.setFloat32(offset, value, true)
      offset += 4
    }
  }
  return bytes
}

/**
 * Weights and metadata of a safetensors file, tensors in the file's order.
 *
 * Throws {@link ModelError} for a truncated or corrupt file and for tensors that are not float32.
 */
export function decodeSafetensors(bytes: Uint8Array): { weights: Weights; metadata: Record<string, string> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = bytes.length < 8 ? Number.NaN : Number(view.getBigUint64(0, true))
  if (!(headerLength <= bytes.length - 8)) {
    throw fileError(`${bytes.length} bytes, with a header of ${headerLength}`, 'a whole file')
  }
  const { __metadata__: metadata = {}, ...tensors } = parseHeader(bytes.subarray(8, 8 + headerLength))
  const dataStart = 8 + headerLength

  let position = 0
  const weights = new Map<string, Weight>()
  const entries = Object.entries(tensors).map(([name, entry]) => [name, tensorEntry(name, entry)] as const)
  for (const [name, { shape, data_offsets }] of entries.sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0],
  )) {
    const [begin, end] = data_offsets
    if (begin !== position || end - begin !== 4 * size(shape) || dataStart + end > bytes.length) {
      throw fileError(
        `'${name}' of shape [${shape}] at bytes ${begin} to ${end} of ${bytes.length - dataStart}`,
        `${4 * size(shape)} bytes from ${position} on, within the file`,
      )
    }
    const data = new Float32Array(size(shape))
    for (let index = 0; index < data.length; index++) {
      data[index] = view.getFloat32(dataStart + begin + 4 * index, true)
    }
    weights.set(name, { shape, data })
    position = end
  }
  if (dataStart + position !== bytes.length) {
    throw fileError(`${bytes.length - dataStart} bytes of data`, `${position}, as the header says`)
  }
  return { weights, metadata: metadata as Record<string, string> }
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw fileError('a header that is no JSON', 'a JSON header', cause)
  }
  if (!isRecord(header)) throw fileError('a header that is no JSON object', 'a JSON object')
  const metadata = header.__metadata__ ?? {}
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw fileError('metadata that are not strings by name', 'strings by name')
  }
  return header
}

function tensorEntry(name: string, entry: unknown): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
  if (dtype !== 'F32') throw fileError(`'${name}' of type ${dtype}`, 'F32 (float32)')
  if (!isLengths(shape) || !isLengths(offsets) || offsets.length !== 2) {
    throw fileError(`'${name}' with an entry that makes no sense`, 'a shape and two offsets')
  }
  return entry as TensorEntry
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}

function fileError(found: string, expected: string, cause?: unknown): ModelError {
  return new ModelError('safetensors file', {
    found,
    expected,
    remedy: 'The file is damaged or of another kind: copy or export it again',
    cause,
  })
}

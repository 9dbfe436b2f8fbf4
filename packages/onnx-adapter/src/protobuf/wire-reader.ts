// Reading protocol buffers: the fields of one message, bounds checked.
import { ModelError } from '@stochseg/core'

/** One field: an integer (wire type 0) or bytes (wire types 1, 2 and 5). */
export interface WireField {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/** The fields of a message in their order; bytes are views. Throws {@link ModelError} for a broken message. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  let offset = 0

  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (offset >= bytes.length) throw noModel(`an end after ${bytes.length} bytes, within a number`)
      const byte = bytes[offset++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw noModel(`a number of more than 10 bytes at byte ${offset}`)
  }
  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(bytes.length - offset)) {
      throw noModel(`an end after ${bytes.length} bytes, where a field needs ${length} from ${offset} on`)
    }
    const start = offset
    offset += Number(length)
    return bytes.subarray(start, offset)
  }

  while (offset < bytes.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    const wireType = Number(tag & 7n)
    if (number < 1) throw noModel(`field ${number} at byte ${offset}`)
    if (wireType === 0) yield { number, value: varint() }
    else if (wireType === 1) yield { number, value: take(8n) }
    else if (wireType === 2) yield { number, value: take(varint()) }
    else if (wireType === 5) yield { number, value: take(4n) }
    else throw noModel(`wire type ${wireType} at byte ${offset}`)
  }
}

/** The bytes of a field that holds bytes, text or a message. Throws {@link ModelError} for a number. */
export function bytesOf(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw noModel('a number in place of a message')
  return value
}

/** A file that is damaged, or of another kind. */
export function noModel(found: string): ModelError {
  return new ModelError('ONNX file', {
    found,
    expected: 'an ONNX model',
    remedy: 'The file is truncated or of another kind: copy or export it again',
  })
}

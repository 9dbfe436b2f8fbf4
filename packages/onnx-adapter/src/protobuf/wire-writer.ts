// Protocol buffers on the wire (protobuf.dev/programming-guides/encoding): as much of the writing as ONNX needs.
import { ModelError } from '@stochseg/core'
import type { WireField } from './wire-reader'

/** Protocol buffers end at 2 GiB, and so does a model in one file. */
const MOST_BYTES = 2 ** 31 - 1

/** Collects the fields of one message. */
export class WireWriter {
  readonly #chunks: Uint8Array[] = []

  /** An integer field (int32, int64, enum). Whole numbers that are exact in JavaScript, also negative. */
  integer(field: number, value: number): this {
    this.#chunks.push(varint(tag(field, 0)), varint(value))
    return this
  }

  /** A float field, rounded to float32. */
  float(field: number, value: number): this {
    this.#chunks.push(varint(tag(field, 5)), new Uint8Array(4))
    new DataView(this.#chunks.at(-1)!.buffer).setFloat32(0, value, true)
    return this
  }

  /** A bytes field. The bytes are not copied before {@link finish}. */
  bytes(field: number, value: Uint8Array): this {
    this.#chunks.push(varint(tag(field, 2)), varint(value.length), value)
    return this
  }

  string(field: number, text: string): this {
    return this.bytes(field, new TextEncoder().encode(text))
  }

  /** A message field, written by `write`. */
  message(field: number, write: (writer: WireWriter) => unknown): this {
    const writer = new WireWriter()
    write(writer)
    this.#chunks.push(varint(tag(field, 2)), varint(writer.length))
    // One by one: a graph has more of them than a call takes arguments.
    for (const chunk of writer.#chunks) this.#chunks.push(chunk)
    return this
  }

  /** A field as it was read: a whole number, or bytes that bear their length. */
  copy({ number, value }: WireField): this {
    return typeof value === 'bigint'
      ? this.integer(number, Number(BigInt.asIntN(64, value)))
      : this.bytes(number, value)
  }

  get length(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** The message's bytes. Throws {@link ModelError} for more than any reader takes. */
  finish(): Uint8Array {
    const { length } = this
    if (length > MOST_BYTES) {
      throw new ModelError('ONNX file', {
        found: `${length} bytes, with all weights inside`,
        expected: 'less than 2 GiB, the most that one ONNX file can hold',
        remedy: 'Store the weights as float16, or choose a smaller network',
      })
    }
    const bytes = new Uint8Array(length)
    let offset = 0
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset)
      offset += chunk.length
    }
    return bytes
  }
}

function tag(field: number, wireType: number): number {
  return field * 8 + wireType
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

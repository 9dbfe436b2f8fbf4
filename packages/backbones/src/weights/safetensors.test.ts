import { ModelError, type Weights } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from './safetensors'

const weights: Weights = new Map([
  ['b.weight', { shape: [2, 1, 2], data: new Float32Array([1, -2, 3.5, 1e-30]) }],
  ['a.größe', { shape: [1], data: new Float32Array([0.1]) }],
  ['empty', { shape: [0, 3], data: new Float32Array(0) }],
])

/** A file with this header and these bytes of data. */
const file = (header: unknown, data: number[] = []): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  bytes[0] = text.length
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

describe('safetensors', () => {
  it('gives back names, order, shapes, bits and metadata', () => {
    const decoded = decodeSafetensors(encodeSafetensors(weights, { step: '7' }))
    expect([...decoded.weights]).toEqual([...weights])
    expect(decoded.metadata).toEqual({ step: '7' })
  })

  it('reads from the middle of a buffer', () => {
    const bytes = encodeSafetensors(weights)
    const larger = new Uint8Array(bytes.length + 3)
    larger.set(bytes, 3)
    expect([...decodeSafetensors(larger.subarray(3)).weights]).toEqual([...weights])
  })

  it('is the format that others read: a hand-made file', () => {
    const { weights } = decodeSafetensors(
      file({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, [0, 0, 128, 63, 0, 0, 0, 192]),
    )
    expect([...weights.get('x')!.data]).toEqual([1, -2])
  })

  it('aligns its data to 8 bytes', () => {
    const bytes = encodeSafetensors(weights)
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0)
  })

  it('refuses every truncation with a ModelError', () => {
    const bytes = encodeSafetensors(weights, { a: 'b' })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(ModelError)
    }
  })

  it('throws nothing but a ModelError for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.json({ maxDepth: 3 }).map((text) => file(text.slice(0, 255))),
        ),
        (bytes) => {
          try {
            decodeSafetensors(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(ModelError)
          }
        },
      ),
    )
  })

  it.each([
    ['another type', { x: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }, [0, 0], /type F16/],
    [
      'a gap',
      { x: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } },
      [0, 0, 0, 0, 0, 0, 0, 0],
      /from 0 on/,
    ],
    ['a wrong length', { x: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, [0, 0, 0, 0], /8 bytes/],
    [
      'trailing bytes',
      { x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } },
      [0, 0, 0, 0, 1],
      /5 bytes of data/,
    ],
    ['a negative offset', { x: { dtype: 'F32', shape: [1], data_offsets: [-4, 0] } }, [], /no sense/],
    ['metadata of another type', { __metadata__: { step: 3 } }, [], /strings by name/],
  ])('refuses %s', (_, header, data, message) => {
    expect(() => decodeSafetensors(file(header, data))).toThrow(message)
  })
})

import { ModelError } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wireFields } from './wire-reader'
import { WireWriter } from './wire-writer'

describe('protocol buffers', () => {
  // Examples of protobuf.dev/programming-guides/encoding.
  it('writes the examples of the specification', () => {
    expect([...new WireWriter().integer(1, 150).finish()]).toEqual([0x08, 0x96, 0x01])
    expect([...new WireWriter().string(2, 'testing').finish()]).toEqual([
      0x12,
      7,
      ...new TextEncoder().encode('testing'),
    ])
    expect([...new WireWriter().message(3, (inner) => inner.integer(1, 150)).finish()]).toEqual([
      0x1a, 0x03, 0x08, 0x96, 0x01,
    ])
    expect([...new WireWriter().integer(1, -2).finish()]).toEqual([0x08, 0xfe, ...Array(8).fill(0xff), 0x01])
  })

  it('reads what it writes', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.uint8Array(),
        fc.integer({ min: 1, max: 2 ** 29 - 1 }),
        (integer, bytes, number) => {
          const message = new WireWriter().integer(number, integer).bytes(7, bytes).float(8, 1).finish()
          const [first, second, third] = [...wireFields(message)]
          expect(first).toEqual({ number, value: BigInt.asUintN(64, BigInt(integer)) })
          expect(second).toEqual({ number: 7, value: bytes })
          expect(third).toEqual({ number: 8, value: Uint8Array.of(0, 0, 0x80, 0x3f) })
        },
      ),
    )
  })

  it('writes messages of any number of fields, up to what readers take', () => {
    const many = new WireWriter().message(1, (inner) => {
      for (let field = 0; field < 100_000; field++) inner.integer(1, 1)
    })
    expect(many.finish()).toHaveLength(200_004)
    const half = new Uint8Array(2 ** 30)
    expect(() => new WireWriter().bytes(1, half).bytes(1, half).finish()).toThrow(ModelError)
  })

  it('throws a ModelError for a field that the bytes end in, and nothing else for any bytes', () => {
    const message = new WireWriter().string(2, 'testing').finish()
    for (let length = 1; length < message.length; length++) {
      expect(() => [...wireFields(message.subarray(0, length))]).toThrow(ModelError)
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          Array.from(wireFields(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
        }
      }),
    )
  })
})

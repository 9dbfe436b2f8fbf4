import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { withSharedMemory } from './shared-memory'

const binary = readFileSync(
  createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'),
)

it("shares the memory of TF.js' binary, and changes nothing else", () => {
  const shared = withSharedMemory(binary)
  expect(WebAssembly.validate(shared)).toBe(true)
  expect(shared.filter((byte, index) => byte !== binary[index])).toHaveLength(1)
})

it('refuses a binary without a memory of limited size', () => {
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
  expect(() => withSharedMemory(empty)).toThrow(/memory/)
})

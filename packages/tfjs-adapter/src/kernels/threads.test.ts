import { expect, it } from 'vitest'
import { kernelBuild } from './kernel-build'
import { withSharedMemory } from './shared-memory'
import { alone, together } from './threads'

it('gives the same bits on three threads as on one, call after call', async () => {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65_536, shared: true })
  const module = new WebAssembly.Module(withSharedMemory(kernelBuild()!.binary))
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const [rows, columns] = [40_000, 30]
  const input = new Float32Array(memory.buffer, 4096, rows * columns)
  for (let index = 0; index < input.length; index++) input[index] = Math.sin(index)
  const sums = new Float32Array(memory.buffer, 4096 + input.byteLength, Math.ceil(rows / 1024) * columns)
  const work = { shares: Math.ceil(rows / 1024), operations: rows * columns }
  const pointers = [input.byteOffset, sums.byteOffset, rows, columns]

  alone(exports).divide('columnSums', work, ...pointers)
  const expected = sums.slice()
  expect(expected.every((sum) => sum !== 0)).toBe(true)
  const { divide, started } = together(3, { module, memory }, exports)
  expect(await started).toBe(3)
  for (let call = 0; call < 200; call++) {
    sums.fill(0)
    divide('columnSums', work, ...pointers)
    expect(sums).toEqual(expected)
  }
})

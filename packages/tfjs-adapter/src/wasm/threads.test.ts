import { expect, it, vi } from 'vitest'
import { kernelBuild } from './kernel-build'
import { withSharedMemory } from './shared-memory'
import { alone, type Threads, together } from './threads'

/** Sums of columns: many shares of one kernel, and what they must come to. */
function columnSums() {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65_536, shared: true })
  const module = new WebAssembly.Module(withSharedMemory(kernelBuild()!.binary))
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const [rows, columns] = [40_000, 30]
  const input = new Float32Array(memory.buffer, 4096, rows * columns)
  for (let index = 0; index < input.length; index++) input[index] = Math.sin(index)
  const sums = new Float32Array(memory.buffer, 4096 + input.byteLength, Math.ceil(rows / 1024) * columns)
  const work = { shares: Math.ceil(rows / 1024), operations: rows * columns }
  const compute = ({ divide }: Threads): Float32Array => {
    sums.fill(0)
    divide('columnSums', work, input.byteOffset, sums.byteOffset, rows, columns)
    return sums.slice()
  }
  const expected = compute(alone(exports))
  expect(expected.every((sum) => sum !== 0)).toBe(true)
  return { memory, module, exports, compute, expected }
}

it('gives the same bits on three threads as on one, call after call', async () => {
  const { memory, module, exports, compute, expected } = columnSums()
  const threads = together(3, { module, memory }, exports)
  expect(await threads.started).toBe(3)
  for (let call = 0; call < 200; call++) expect(compute(threads)).toEqual(expected)
})

it('does without threads that do not start', async () => {
  const { module, exports, compute, expected } = columnSums()
  const ofItsOwn = new WebAssembly.Memory({ initial: 1 })
  const threads = together(3, { module, memory: ofItsOwn }, exports)
  expect(await threads.started).toBe(1)
  expect(compute(threads)).toEqual(expected)
})

it('does without threads that end before they run', async () => {
  const { memory, module, exports, compute, expected } = columnSums()
  vi.resetModules()
  vi.doMock('./thread-source.generated', () => ({ THREAD_SOURCE: 'process.exit()' }))
  const threads = (await import('./threads')).together(3, { module, memory }, exports)
  expect(await threads.started).toBe(1)
  expect(compute(threads)).toEqual(expected)
})

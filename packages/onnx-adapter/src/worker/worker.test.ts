import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { unet } from '@stochseg/backbones'
import { OutOfMemoryError, RuntimeUnavailableError, ssnHead } from '@stochseg/core'
import { afterEach, describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { randomImages, randomWeights } from '../random-network'

const spec = unet({ inputChannels: 1, widths: [8, 16] })
const head = ssnHead({ classes: 2, rank: 2 })
const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3) })
const SIZE = [512, 512]
const image = randomImages(1, 1, SIZE)

describe('a model in a worker', () => {
  it('gives the same bits as in the calling thread', async () => {
    const [inWorker, here] = await Promise.all([
      OnnxSegmenter.load(model, { device: 'cpu' }),
      OnnxSegmenter.load(model, { device: 'cpu', worker: false }),
    ])
    const small = image.slice(0, 64 * 64)
    expect(await inWorker.predict(small, 1, [64, 64])).toEqual(await here.predict(small, 1, [64, 64]))
    // The caller's image stays the caller's.
    expect(small).toHaveLength(64 * 64)
    await Promise.all([inWorker.dispose(), here.dispose()])
  })

  it('does not hold up the event loop', async () => {
    const segmenter = await OnnxSegmenter.load(model)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    await segmenter.predict(image, 1, SIZE)
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(5)
    await segmenter.dispose()
  })

  it('answers several predictions, each its own', async () => {
    const segmenter = await OnnxSegmenter.load(model)
    const predict = (from: number) => segmenter.predict(image.slice(from, from + 16), 1, [4, 4])
    const together = await Promise.all([predict(0), predict(16), predict(32)])
    for (const [index, result] of together.entries()) expect(result).toEqual(await predict(16 * index))
    await segmenter.dispose()
  })

  it('is left at once when a prediction is aborted, and goes on with the next', async () => {
    const segmenter = await OnnxSegmenter.load(model)
    const controller = new AbortController()
    const call = segmenter.predict(image, 1, SIZE, { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 5)
    await expect(call).rejects.toThrow('enough')
    expect((await segmenter.predict(image.slice(0, 16), 1, [4, 4])).spatial).toEqual([4, 4])
    await segmenter.dispose()
  })

  it('is gone after dispose, which may be called twice', async () => {
    const segmenter = await OnnxSegmenter.load(model)
    const call = segmenter.predict(image, 1, SIZE)
    await Promise.all([segmenter.dispose(), segmenter.dispose()])
    await Promise.allSettled([call])
    await expect(segmenter.predict(image, 1, SIZE)).rejects.toThrow(RuntimeUnavailableError)
  })

  const inProcess = async (...args: string[]): Promise<string> => {
    const program = await bundle(fileURLToPath(new URL('../test-programs/undisposed.ts', import.meta.url)))
    const run = promisify(execFile)(process.execPath, [program, ...args], { timeout: 30_000 })
    const { stdout } = await run.catch((error) => ({ stdout: `exit code ${error.code}` }))
    return stdout
  }
  it('keeps no process alive', async () => {
    expect(await inProcess()).toBe('predicted\n')
  })

  // ONNX Runtime would abort the process, with exit code 134.
  it.each(['load', 'predict'])('lets a process exit in the midst of %s', async (work) => {
    expect(await inProcess(work)).toBe('exit code 3')
  })
})

describe('a worker that fails', () => {
  const threads = process.getBuiltinModule('node:worker_threads')
  const { Worker } = threads
  afterEach(() => void Object.assign(threads, { Worker }))

  it('is a typed error, for what it had in hand and for what follows', async () => {
    const program = `const { parentPort } = require('node:worker_threads')
      parentPort.on('message', ({ kind }) => kind === 'run' ? process.exit(3) : parentPort.postMessage({ outputs: {} }))`
    Object.assign(threads, {
      Worker: class extends Worker {
        constructor() {
          super(program, { eval: true })
        }
      },
    })
    const segmenter = await OnnxSegmenter.load(model, { device: 'cpu' })
    const calls = [segmenter.predict(image, 1, SIZE), segmenter.predict(image, 1, SIZE)]
    for (const call of calls) await expect(call).rejects.toThrow(RuntimeUnavailableError)
    await expect(segmenter.predict(image, 1, SIZE)).rejects.toThrow(/worker stopped with exit code 3/)
    await segmenter.dispose()
  })

  it('goes on after an image that it could not be sent: every answer is its own', async () => {
    let sends = 0
    Object.assign(threads, {
      Worker: class extends Worker {
        override postMessage(message: unknown): void {
          // The first image.
          if (++sends === 2) throw new DOMException('Data cannot be cloned, out of memory.', 'DataCloneError')
          super.postMessage(message)
        }
      },
    })
    const segmenter = await OnnxSegmenter.load(model, { device: 'cpu' })
    await expect(segmenter.predict(image, 1, SIZE)).rejects.toThrow(OutOfMemoryError)
    expect((await segmenter.predict(image.slice(0, 16), 1, [4, 4])).spatial).toEqual([4, 4])
    await segmenter.dispose()
  })

  it('is a typed error where none can be started', async () => {
    Object.assign(threads, {
      Worker: class {
        constructor() {
          throw new Error('workers are forbidden')
        }
      },
    })
    await expect(OnnxSegmenter.load(model, { device: 'cpu' })).rejects.toThrow(RuntimeUnavailableError)
  })
})

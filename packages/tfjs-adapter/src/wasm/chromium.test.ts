import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { type ChromiumPage, openChromiumPage } from '../../../../scripts/chromium-page'
import { chromiumWithWebgpu } from '../../../../scripts/software-webgpu'
import { trainInWorker, trainOnWasm, type WasmTraining } from '../test-programs/training-on-wasm'

const source = fileURLToPath(new URL('../test-programs/training-on-wasm.ts', import.meta.url))
const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm')))
const wasmPath = '/wasm/'
const threads = 3

/** A folder with the programs of the page on training: the worker's, and one that runs the page's. */
async function documented(): Promise<string> {
  const markdown = await readFile(new URL('../../../../docs/tfjs-training.md', import.meta.url), 'utf8')
  const [worker, page] = [...markdown.matchAll(/```js\n(.*?)```/gs)].map((block) => block[1]!)
  const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const entry = join(folder, 'training-worker.ts')
  await writeFile(entry, worker!.replace('steps: 500', 'steps: 3'))
  const module = await bundle(entry, { withTfjs: true })
  await rm(folder, { recursive: true })
  await rename(module, module.replace(/mjs$/, 'js'))
  const program = `
    const noise = () => new Float32Array(16 * 16).map(() => Math.random())
    const images = Array.from({ length: 8 }, noise)
    const labelMaps = images.map((image) => Uint8Array.from(image, (value) => (value > 0.5 ? 1 : 0)))
    const training = { images, labelMaps, spatial: [16, 16] }
    const validation = training
    export const messages = new Promise((resolve) => {
      const written = []
      const console = { log: (data) => written.push(data) && data.weights && resolve(written) }
      ${page}
    })`
  await writeFile(join(dirname(module), 'page.js'), program)
  return dirname(module)
}

describe.skipIf(!chromiumWithWebgpu)('training on wasm in Chromium (needs /usr/bin/chromium)', () => {
  let program: string
  let documentedPrograms: string
  let expected: WasmTraining
  beforeAll(async () => {
    program = await bundle(source, { withTfjs: true })
    documentedPrograms = await documented()
    expected = await trainOnWasm({ threads })
    expect(expected.mayWait).toBe(true)
  }, 120_000)

  const open = (isolated: boolean): Promise<ChromiumPage> =>
    openChromiumPage({
      isolated,
      folders: { program: dirname(program), docs: documentedPrograms, wasm, 'tfjs-wasm': wasm },
    })

  /** Calls a function of the program in a page that was just loaded, under a content security policy if need be. */
  async function call<Result>({ page }: ChromiumPage, expression: string, policy = ''): Promise<Result> {
    await page.reload()
    await page.evaluate((content) => {
      const meta = Object.assign(document.createElement('meta'), { httpEquiv: 'Content-Security-Policy' })
      document.head.append(Object.assign(meta, { content }))
    }, policy)
    return page.evaluate(`import('/program/${basename(program)}').then((program) => program.${expression})`)
  }
  const inPage = (chromium: ChromiumPage, options: object, policy?: string): Promise<WasmTraining> =>
    call(chromium, `${trainOnWasm.name}(${JSON.stringify(options)})`, policy)
  const inWorker = (chromium: ChromiumPage, options: object): ReturnType<typeof trainInWorker> =>
    call(chromium, `${trainInWorker.name}('/program/${basename(program)}', ${JSON.stringify(options)})`)

  /** To rounding: relaxed SIMD, and with it the last bits, depends on the engine. */
  function expectLosses(losses: readonly number[]): void {
    expect(losses).toHaveLength(expected.losses.length)
    for (const [step, loss] of losses.entries()) {
      expect(Math.abs(loss / expected.losses[step]! - 1)).toBeLessThan(1e-5)
    }
  }

  describe('on a page that is not isolated', () => {
    let chromium: ChromiumPage
    beforeAll(async () => {
      chromium = await open(false)
    })
    afterAll(() => chromium?.close())

    it('learns as in Node, on one thread', async () => {
      const found = await inPage(chromium, { wasmPath, threads })
      expect(found).toMatchObject({
        name: expect.stringMatching(/^tfjs wasm \([^,]*SIMD\)$/),
        chunks: { others: 0 },
      })
      expectLosses(found.losses)
    })

    it.each([
      ['nothing', {}, /TF.js backend 'wasm': found a backend that .*does not start.* wasmPath/],
      [
        'a wrong URL',
        { wasmPath: '/other' },
        /none at '\/other\/tfjs-backend-wasm-simd.wasm' \(HTTP status 404\).* wasmPath/,
      ],
    ])('says what wasmPath is for, where it is %s', async (_, options, message) => {
      await expect(inPage(chromium, options)).rejects.toThrow(message)
    })

    it('says which policy keeps the binary away', async () => {
      const found = inPage(chromium, { wasmPath }, "connect-src 'self'")
      await expect(found).rejects.toThrow(/may not read object URLs.*connect-src/)
    })
  })

  describe('on an isolated page', () => {
    let chromium: ChromiumPage
    let alone: WasmTraining
    beforeAll(async () => {
      chromium = await open(true)
      alone = await inPage(chromium, { wasmPath, threads: 1 })
      expect(alone).toMatchObject({
        name: expect.stringMatching(/^tfjs wasm \([^,]*SIMD\)$/),
        chunks: { others: 0 },
      })
      expectLosses(alone.losses)
    }, 60_000)
    afterAll(() => chromium?.close())

    it("divides the work among threads on the page's main thread, with the same bits", async () => {
      const found = await inPage(chromium, { wasmPath, threads })
      expect(found).toMatchObject({ name: expect.stringMatching(/SIMD, 3 threads\)$/), mayWait: false })
      expect(found.chunks.own).toBeGreaterThan(0)
      expect(found.chunks.others).toBeGreaterThan(0)
      expect(found.losses).toEqual(alone.losses)
    })

    it('does so in a worker too, which leaves the page its turns', async () => {
      const found = await inWorker(chromium, { wasmPath, threads })
      expect(found).toMatchObject({ name: expect.stringMatching(/SIMD, 3 threads\)$/), mayWait: true })
      expect(found.chunks.others).toBeGreaterThan(0)
      expect(found.turns).toBeGreaterThan(5)
      expect(found.losses).toEqual(alone.losses)
    })

    it('goes on with the threads that a policy leaves, and says so', async () => {
      const found = await inPage(chromium, { wasmPath, threads }, "worker-src 'self'")
      expect(found).toMatchObject({
        name: expect.stringMatching(/SIMD, 1 of 3 threads\)$/),
        chunks: { others: 0 },
      })
      expect(found.losses).toEqual(alone.losses)
    })

    it('runs the programs of docs/tfjs-training.md', async () => {
      await chromium.page.reload()
      const messages = await chromium.page.evaluate(`import('/docs/page.js')
        .then((page) => page.messages)
        .then((messages) => messages.map((message) => message.weights ? [...message.weights.keys()] : message))`)
      expect(messages).toMatchObject([
        { engine: expect.stringMatching(/^tfjs wasm \(/) },
        ...[1, 2, 3].map((step) => ({ step, loss: expect.any(Number) })),
        expect.arrayContaining(['head.mean.weight']),
      ])
    })
  })
})

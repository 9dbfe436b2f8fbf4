import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { type ChromiumPage, openChromiumPage } from '../../../../scripts/chromium-page'
import { chromiumWithWebgpu } from '../../../../scripts/software-webgpu'
import { OnnxSegmenter } from '../onnx-segmenter'
import type { SamplingFinding } from '../test-programs/sampling-cases'
import { smallNetworks } from '../test-programs/small-networks'

const program = fileURLToPath(new URL('../test-programs/in-browser.ts', import.meta.url))
const runtime = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/webgpu')))

// In software, a shader takes seconds to compile.
vi.setConfig({ testTimeout: 180_000 })

/** The program of a worker with ONNX Runtime in it, beside a module: bundlers do not split what workers load. */
async function bundleWorker(beside: string): Promise<string> {
  await build({
    entry: { 'model-worker': fileURLToPath(new URL('../test-programs/model-worker.ts', import.meta.url)) },
    outDir: dirname(beside),
    outExtension: () => ({ js: '.mjs' }),
    ...{ format: 'esm', target: 'es2022', platform: 'browser', splitting: false, noExternal: [/./] },
    ...{ config: false, silent: true },
  })
  return '/program/model-worker.mjs'
}

describe.skipIf(!chromiumWithWebgpu)('in Chromium (needs /usr/bin/chromium)', () => {
  let chromium: ChromiumPage
  let path: string
  /** Calls a function of the program in the page; its argument is an expression there. */
  const call = <T>(name: string, argument = ''): Promise<T> =>
    chromium.page.evaluate(`import('${path}').then((program) => program.${name}(${argument}))`)

  beforeAll(async () => {
    const module = await bundle(program)
    path = `/program/${basename(module)}`
    chromium = await openChromiumPage({
      folders: { program: dirname(module), runtime },
      imports: {
        'onnxruntime-web/webgpu': '/runtime/ort.webgpu.bundle.min.mjs',
        'onnxruntime-web/wasm': '/runtime/ort.wasm.bundle.min.mjs',
      },
    })
  }, 120_000)
  afterAll(() => chromium?.close())

  it('samples on WebGPU what core samples', async () => {
    const findings = await call<SamplingFinding[]>('samplingInPage')
    expect(findings).toHaveLength(7)
    for (const { labels, different, foreground, probabilities, entropy } of findings) {
      expect(different).toBeLessThan(Math.max(1e-5 * labels, 1))
      expect(foreground).toBeGreaterThan(0.3)
      expect(probabilities).toBeLessThan(2e-6)
      expect(entropy).toBeLessThan(2e-6)
    }
  })

  it('runs networks on WebGPU as on the CPU, and samples them without reading them back', async () => {
    const findings = await call<Record<string, Record<string, unknown>>>('networksOnWebgpu')
    expect(Object.keys(findings)).toHaveLength(2)
    for (const finding of Object.values(findings)) {
      expect(finding).toMatchObject({ device: 'webgpu', finite: true, different: 0 })
      expect(finding.differenceToCpu).toBeLessThan(1e-5)
      expect(finding.labels).toBeGreaterThan(100)
    }
    expect(findings['every operation in 3D']!.placement).toEqual({ rewritten: ['b.transposed'], onCpu: [] })
    expect(findings['grouped convolutions in 3D']!.placement).toEqual({
      rewritten: [],
      onCpu: ['grouped', 'overlapping'],
    })
  })

  it.each([
    ['on wasm', "{ device: 'wasm' }", 'wasm'],
    ['on WebGPU', "{ device: 'webgpu' }", 'webgpu'],
    ['on wasm in a worker', "{ device: 'wasm', worker: () => program.worker(WORKER) }", 'wasm'],
    ['on WebGPU in a worker', "{ device: 'webgpu', worker: () => program.worker(WORKER) }", 'webgpu'],
  ])('predicts %s, two calls at a time', async (_, options, device) => {
    const origin = new URL(chromium.page.url()).origin
    const worker = `import { serveModel } from '${origin}${path}'
      serveModel(() => import('${origin}/runtime/ort.webgpu.bundle.min.mjs'))`
    const found = await call<Record<string, unknown>>(
      'predictWith',
      options.replace('WORKER', JSON.stringify(worker)),
    )
    expect(found).toMatchObject({ device, same: true, attempts: [{ device, works: true }] })
    expect(found.onDevice).toMatch(
      options.includes('worker') || device === 'wasm' ? /not in a worker/ : /^none$/,
    )

    const { model, image, spatial } = smallNetworks()['a deterministic U-Net in 3D']!
    const segmenter = await OnnxSegmenter.load(model, { device: 'cpu' })
    const expected = await segmenter.predict(image, 1, spatial)
    await segmenter.dispose()
    const mean = found.mean as number[]
    expect(mean).toHaveLength(expected.mean.length)
    mean.forEach((value, index) => {
      expect(value).toBeCloseTo(expected.mean[index]!, 4)
    })
  })

  // ONNX Runtime's threads are workers, which have the program of the worker that it was bundled into.
  it('predicts in several threads in a bundled worker, where the page is cross-origin isolated', async () => {
    const module = await bundle(program)
    const worker = await bundleWorker(module)
    const isolated = await openChromiumPage({
      folders: { program: dirname(module), runtime },
      isolated: true,
    })
    try {
      const found = await isolated.page.evaluate<Record<string, unknown>>(
        `import('/program/${basename(module)}').then((program) => program.predictWith({
          device: 'wasm',
          threads: 2,
          worker: () => new Worker('${worker}', { type: 'module' }),
        }))`,
      )
      expect(found).toMatchObject({ device: 'wasm', same: true })
    } finally {
      await isolated.close()
    }
  })

  it('prefers wasm to WebGPU in software, and says so', async () => {
    const { device, attempts } = await call<Pick<OnnxSegmenter, 'device' | 'attempts'>>('predictWith', '{}')
    expect(device).toBe('wasm')
    expect(attempts[0]).toMatchObject({ device: 'webgpu', works: false })
    expect(attempts[0]!.reason).toMatch(/software \(swiftshader\)/)
  })

  it('gives typed errors', async () => {
    expect(await call('errorsInPage')).toEqual({
      worker: expect.stringMatching(/^ValueError: .*docs\/devices.md/),
      cuda: expect.stringMatching(/^RuntimeUnavailableError: .*browsers have no CUDA/),
      missing: expect.stringMatching(/^DataError: '\/no-such-file.onnx'.*404/),
      brokenWorker: expect.stringMatching(/^RuntimeUnavailableError: .*the worker failed/),
      lost: expect.stringMatching(/^RuntimeUnavailableError: .*lost/),
    })
  })
})

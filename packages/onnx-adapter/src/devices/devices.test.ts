import { unet } from '@stochseg/backbones'
import { ModelError, OutOfMemoryError, RuntimeUnavailableError, ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { exportOnnx } from '../export-onnx'
import { OnnxSegmenter } from '../onnx-segmenter'
import { randomImages, randomWeights } from '../random-network'
import type { OnnxSession, OutputValues } from '../session/onnx-session'
import { sessionError } from '../session/session-errors'
import { compareWithCpu } from './compare-with-cpu'

const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
const head = ssnHead({ classes: 2, rank: 2 })
const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3) })

describe('devices in Node', () => {
  // Machines that have the libraries pass over this one.
  it("says what CUDA needs where its libraries are missing, and 'auto' goes on to the CPU", async () => {
    const segmenter = await OnnxSegmenter.load(model)
    expect(segmenter.attempts.map(({ device }) => device)).toEqual(
      segmenter.device === 'cuda' ? ['cuda'] : ['cuda', 'cpu'],
    )
    expect(segmenter.attempts.at(-1)).toEqual({ device: segmenter.device, works: true })
    if (segmenter.device === 'cpu') {
      const { reason, remedy } = segmenter.attempts[0]!
      expect(reason).toMatch(/CUDA/)
      expect(remedy).toContain('npm install onnxruntime-node --onnxruntime-node-install=cuda12')
      const alone = OnnxSegmenter.load(model, { device: 'cuda' })
      await expect(alone).rejects.toThrow(RuntimeUnavailableError)
    }
    await segmenter.dispose()
  })

  it('gives on wasm what the CPU gives, in a worker and in this thread', async () => {
    const image = randomImages(1, 1, [6, 8])
    const cpu = await OnnxSegmenter.load(model, { device: 'cpu' })
    const expected = await cpu.predict(image, 1, [6, 8])
    for (const worker of [true, false]) {
      const wasm = await OnnxSegmenter.load(model, { device: 'wasm', verify: true, worker })
      expect(wasm.device).toBe('wasm')
      expect(wasm.differenceToCpu).toBeLessThan(1e-6)
      const { factor } = await wasm.predict(image, 1, [6, 8])
      factor.forEach((value, index) => {
        expect(Math.abs(value - expected.factor[index]!)).toBeLessThan(1e-4)
      })
      await wasm.dispose()
    }
    await cpu.dispose()
  })

  it('gives the error of the model, not of the device, for a graph that no device takes', async () => {
    const text = new TextDecoder('latin1').decode(model).replace('Conv', 'Conw')
    const broken = Uint8Array.from(text, (character) => character.charCodeAt(0))
    await expect(OnnxSegmenter.load(broken)).rejects.toThrow(ModelError)
  })
})

describe('verification', () => {
  const session = (...values: number[]): OnnxSession => ({
    run: async () => ({ mean: { type: 'float32', dims: [values.length], data: Float32Array.from(values) } }),
    release: async () => {},
  })
  const compare = (found: OnnxSession, expected: OnnxSession): Promise<number> =>
    compareWithCpu('webgpu', found, expected, [1, 1, 2, 2], undefined)

  it('measures the difference relative to the largest value', async () => {
    expect(await compare(session(10, 0.001), session(10, 0))).toBeCloseTo(1e-4, 9)
  })

  it.each([
    ['other values', session(10, 0.1)],
    ['NaN', session(10, Number.NaN)],
    ['another shape', session(10)],
    ['a missing output', { ...session(), run: async () => ({}) as Record<string, OutputValues> }],
  ])('refuses a device that gives %s', async (_, found) => {
    await expect(compare(found, session(10, 0))).rejects.toThrow(RuntimeUnavailableError)
    await expect(compare(found, session(10, 0))).rejects.toThrow(/'mean' that differs from the CPU's/)
  })
})

describe("ONNX Runtime's errors", () => {
  // Seen with onnxruntime-node and onnxruntime-web 1.30.
  it.each([
    [
      'bfc_arena.cc:360 AllocateRawInternal Failed to allocate memory for requested buffer of size 1382400000',
      OutOfMemoryError,
    ],
    ['std::bad_alloc', OutOfMemoryError],
    ['Failed to get a WebGPU adapter: No supported adapters', RuntimeUnavailableError],
    ['the worker stopped with exit code 3', RuntimeUnavailableError],
    ['ONNX Runtime only *guarantees* support for models stamped with official released opset', ModelError],
  ])('%s', (text, kind) => {
    const error = sessionError('webgpu', 'prediction', new Error(text))
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toContain(text)
    if (kind === OutOfMemoryError) expect(error.remedy).toMatch(/smaller tiles/)
  })

  it('come without the place in its sources', () => {
    const text =
      '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(' +
      'const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success ' +
      'was false. Failed to get a WebGPU adapter: No supported adapters.\n'
    const error = sessionError('webgpu', 'prediction', new Error(text))
    expect(error.found).toBe('Failed to get a WebGPU adapter: No supported adapters.')
  })
})

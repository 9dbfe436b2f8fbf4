import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NetworkSpec, unet } from '@stochseg/backbones'
import {
  DataError,
  ModelError,
  RuntimeUnavailableError,
  ShapeError,
  ssnHead,
  ValueError,
} from '@stochseg/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { referenceData } from '../../../scripts/reference-data'
import { exportOnnx } from './export-onnx'
import { OnnxSegmenter } from './onnx-segmenter'
import { randomImages, randomWeights } from './random-network'
import { withExternalWeights } from './wrap-onnx/foreign-network'

const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
const head = ssnHead({ classes: 2, rank: 2, epsilon: 1e-4 })
const properties = { classNames: 'background, nodule', normalisation: 'x / 255 − 0.5' }
const bytes = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3), properties })

describe('OnnxSegmenter', () => {
  it('reads back what the exporter wrote', async () => {
    const { metadata } = await OnnxSegmenter.load(bytes)
    expect(metadata).toEqual({
      head,
      backbone: 'unet',
      channels: 1,
      dimensions: 2,
      minimumSize: [2, 2],
      multipleOf: [2, 2],
      receptiveField: [12, 12],
      network: spec,
      properties,
    })
  })

  it('loads a file, and gives the same as its bytes and with any number of threads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
    try {
      await writeFile(join(folder, 'model.onnx'), bytes)
      const fromFile = await OnnxSegmenter.load(join(folder, 'model.onnx'), { device: 'cpu', threads: 1 })
      const fromBytes = await OnnxSegmenter.load(bytes, { threads: 2 })
      const images = randomImages(3, 1, [4, 6])
      expect(await fromFile.predict(images, 3, [4, 6])).toEqual(await fromBytes.predict(images, 3, [4, 6]))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('finds weights in a file beside the model, or is given them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
    const predict = async (...call: Parameters<typeof OnnxSegmenter.load>) => {
      const segmenter = await OnnxSegmenter.load(...call)
      const distribution = await segmenter.predict(randomImages(1, 1, [4, 6]), 1, [4, 6])
      await segmenter.dispose()
      return distribution
    }
    try {
      const { external, file } = withExternalWeights(bytes)
      const path = join(folder, 'model.onnx')
      await writeFile(path, external)
      await expect(predict(path)).rejects.toThrow(DataError)
      await expect(predict(path)).rejects.toThrow(/weights.bin'.*weights of the model beside it/)
      await writeFile(join(folder, 'weights.bin'), file)
      const expected = await predict(bytes)
      expect(await predict(path)).toEqual(expected)
      await expect(predict(external)).rejects.toThrow(/weights in another file, 'weights.bin'.*externalData/)
      expect(await predict(external, { externalData: async () => file })).toEqual(expected)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('treats images of a batch independently', async () => {
    const segmenter = await OnnxSegmenter.load(bytes)
    const images = randomImages(2, 1, [4, 4])
    const both = await segmenter.predict(images, 2, [4, 4])
    const second = await segmenter.predict(images.slice(16), 1, [4, 4])
    expect(second.factor).toEqual(both.factor.slice(both.factor.length / 2))
  })

  it('refuses images of another size, naming the one to pad to', async () => {
    const segmenter = await OnnxSegmenter.load(bytes)
    await expect(segmenter.predict(new Float32Array(35), 1, [5, 7])).rejects.toThrow(/Pad the image to 6 × 8/)
    await expect(segmenter.predict(new Float32Array(15), 1, [4, 4])).rejects.toThrow(ShapeError)
    await expect(segmenter.predict(new Float32Array(0), 0, [4, 4])).rejects.toThrow(ShapeError)
    await expect(segmenter.predict(new Float32Array(64), 1, [4, 4, 4])).rejects.toThrow(/2-dimensional/)
  })

  it('refuses images that are not float32, and models that are neither text nor bytes', async () => {
    const segmenter = await OnnxSegmenter.load(bytes)
    for (const images of [new Float64Array(16), new Uint8Array(16), Array(16).fill(0)]) {
      const call = segmenter.predict(images as unknown as Float32Array, 1, [4, 4])
      await expect(call).rejects.toThrow(ValueError)
      await expect(call).rejects.toThrow(/expected a Float32Array/)
    }
    await expect(segmenter.predict(new Float32Array(16), 0.5, [8, 4])).rejects.toThrow(/a batch of 0.5/)
    for (const source of [bytes.slice().buffer, new URL('file:///model.onnx'), undefined]) {
      const call = OnnxSegmenter.load(source as unknown as Uint8Array)
      await expect(call).rejects.toThrow(ValueError)
      await expect(call).rejects.toThrow(/as a Uint8Array/)
    }
  })

  it.each([true, false])('takes images in memory that threads share (in a worker: %s)', async (worker) => {
    const segmenter = await OnnxSegmenter.load(bytes, { device: 'cpu', worker })
    const image = randomImages(1, 1, [4, 4])
    const shared = new Float32Array(new SharedArrayBuffer(image.byteLength))
    shared.set(image)
    expect(await segmenter.predict(shared, 1, [4, 4])).toEqual(await segmenter.predict(image, 1, [4, 4]))
    await segmenter.dispose()
  })

  it.each([
    ['cpu', true],
    ['cpu', false],
    ['wasm', false],
  ] as const)('says that it was disposed of, on %s (in a worker: %s)', async (device, worker) => {
    const segmenter = await OnnxSegmenter.load(bytes, { device, worker })
    const image = new Float32Array(16)
    const begun = segmenter.predict(image, 1, [4, 4])
    const [found] = await Promise.allSettled([begun, segmenter.dispose(), segmenter.dispose()])
    expect(found).toMatchObject({ reason: expect.any(RuntimeUnavailableError) })
    await expect(segmenter.predict(image, 1, [4, 4])).rejects.toThrow(
      /a segmenter that was disposed of.*before dispose/,
    )
  })

  it('refuses images and networks that are not finite', async () => {
    const segmenter = await OnnxSegmenter.load(bytes)
    await expect(segmenter.predict(new Float32Array(16).fill(Number.NaN), 1, [4, 4])).rejects.toThrow(
      /images: found NaN/,
    )
    const weights = new Map(randomWeights(spec, head, 3))
    weights.set('head.logDiagonal.bias', { shape: [2], data: new Float32Array([0, 1000]) })
    const overflowing = await OnnxSegmenter.load(exportOnnx({ spec, head, weights }))
    await expect(overflowing.predict(randomImages(1, 1, [4, 4]), 1, [4, 4])).rejects.toThrow(
      /diagonal: found Infinity/,
    )
  })

  it('refuses a file that is missing, truncated anywhere, or something else', async () => {
    await expect(OnnxSegmenter.load('no such file.onnx')).rejects.toThrow(DataError)
    for (let length = 0; length < bytes.length; length += 7) {
      await expect(OnnxSegmenter.load(bytes.subarray(0, length))).rejects.toThrow(ModelError)
    }
    await expect(OnnxSegmenter.load(new TextEncoder().encode('{"a": "JSON file"}'))).rejects.toThrow(
      ModelError,
    )
    await expect(OnnxSegmenter.load(new Uint8Array(1000))).rejects.toThrow(ModelError)
  })

  it('refuses a graph that ONNX Runtime does not accept', async () => {
    const text = new TextDecoder('latin1').decode(bytes).replace('Conv', 'Conw')
    const broken = Uint8Array.from(text, (character) => character.charCodeAt(0))
    await expect(OnnxSegmenter.load(broken)).rejects.toThrow(/No Op registered for Conw/)
  })

  it('refuses devices that there are not and thread counts that make no sense', async () => {
    await expect(OnnxSegmenter.load(bytes, { device: 'npu' as 'cpu' })).rejects.toThrow(ValueError)
    await expect(OnnxSegmenter.load(bytes, { threads: 0 })).rejects.toThrow(ValueError)
  })

  it('can be aborted', async () => {
    const signal = AbortSignal.abort()
    await expect(OnnxSegmenter.load(bytes, { signal })).rejects.toThrow(/abort/i)
    const segmenter = await OnnxSegmenter.load(bytes)
    await expect(segmenter.predict(new Float32Array(16), 1, [4, 4], { signal })).rejects.toThrow(/abort/i)
  })

  it('gives the size of a network that crops', async () => {
    const cropping: NetworkSpec = {
      ...spec,
      nodes: [
        ...spec.nodes,
        { op: 'crop', name: 'cut', inputs: [spec.features], before: [1, 0], after: [0, 1] },
      ],
      features: 'cut',
    }
    const segmenter = await OnnxSegmenter.load(
      exportOnnx({ spec: cropping, head, weights: randomWeights(cropping, head, 1) }),
    )
    expect((await segmenter.predict(randomImages(1, 1, [4, 6]), 1, [4, 6])).spatial).toEqual([3, 5])
  })

  const foreign = referenceData('networks/meshnet-onnx/model.onnx')
  it.skipIf(!foreign)('refuses a network without an SSN head (needs networks/meshnet-onnx)', async () => {
    await expect(OnnxSegmenter.load(foreign!)).rejects.toThrow(ModelError)
    await expect(OnnxSegmenter.load(foreign!)).rejects.toThrow(/outputs .*expected an SSN head/)
  })
})

describe('without ONNX Runtime', () => {
  afterEach(() => {
    vi.doUnmock('onnxruntime-node')
    vi.resetModules()
  })

  it('says how to install it', async () => {
    vi.resetModules()
    vi.doMock('onnxruntime-node', () => {
      throw new Error("Cannot find package 'onnxruntime-node'")
    })
    const { OnnxSegmenter } = await import('./onnx-segmenter')
    await expect(OnnxSegmenter.load(bytes, { worker: false })).rejects.toThrow(
      /npm install --ignore-scripts onnxruntime-node/,
    )
  })
})

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { unet } from '@stochseg/backbones'
import { ModelError, StochsegError, ssnHead, ValueError } from '@stochseg/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bundle } from '../../../scripts/bundle'
import { exportOnnx } from './export-onnx'
import { encodeMetadata } from './model-metadata'
import { OnnxSegmenter } from './onnx-segmenter'
import { encodeOnnxModel, type OnnxNode } from './protobuf/onnx-model'
import { rewriteModel } from './protobuf/rewrite-model'
import { randomImages, randomWeights } from './random-network'

const spec = unet({ inputChannels: 1, widths: [2, 3], convolutionsPerLevel: 1 })
const head = ssnHead({ classes: 2, rank: 2 })
const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 3) })
const image = randomImages(1, 1, [4, 4])

/** A model of one node each for mean and diagonal, with the metadata of a diagonal head of two classes. */
function modelOf(mean: OnnxNode, diagonal: OnnxNode, operatorSet = 17): Uint8Array {
  const floats = (name: string, shape: number[], data: number[]) => ({
    name,
    shape,
    data: Float32Array.from(data),
  })
  return encodeOnnxModel({
    name: 'bad',
    operatorSet,
    nodes: [mean, diagonal],
    initializers: [
      floats('two', [2, 1, 1, 1], [1, 1]),
      floats('three', [3, 1, 1, 1], [1, 1, 1]),
      floats('zero', [2, 1, 1, 1], [0, 0]),
      floats('nan', [2, 1, 1, 1], [0, Number.NaN]),
    ],
    inputs: [{ name: 'image', shape: ['n', 1, 'h', 'w'] }],
    outputs: [
      { name: 'mean', shape: ['n', 'c', 'y', 'x'] },
      { name: 'diagonal', shape: ['n', 'd', 'v', 'u'] },
    ],
    metadata: encodeMetadata({
      head: ssnHead({ kind: 'diagonal', classes: 2 }),
      backbone: 'bad',
      ...{ channels: 1, dimensions: 2, minimumSize: [1, 1], multipleOf: [1, 1], receptiveField: [1, 1] },
      properties: {},
    }),
  })
}
const node = (operation: string, inputs: string[], output: string): OnnxNode => ({
  ...{ name: output, operation, inputs, outputs: [output] },
})
const right = node('Conv', ['image', 'two'], 'diagonal')

async function predict(bytes: Uint8Array): Promise<unknown> {
  const segmenter = await OnnxSegmenter.load(bytes, { device: 'cpu', worker: false })
  try {
    return await segmenter.predict(image.map(Math.abs), 1, [4, 4])
  } finally {
    await segmenter.dispose()
  }
}

describe('bad models', () => {
  it('runs the right one', async () => {
    expect(await predict(modelOf(node('Conv', ['image', 'two'], 'mean'), right))).toMatchObject({
      classes: 2,
    })
  })

  it.each([
    [
      'a mean of three classes',
      node('Conv', ['image', 'three'], 'mean'),
      right,
      ModelError,
      /'mean': found shape \[1,3,4,4\]/,
    ],
    [
      'a diagonal of three',
      node('Conv', ['image', 'two'], 'mean'),
      node('Conv', ['image', 'three'], 'diagonal'),
      ModelError,
      /'diagonal': found shape/,
    ],
    ['a mean of no image size', node('GlobalAveragePool', ['image'], 'mean'), right, ModelError, /shape/],
    ['a flat mean', node('Flatten', ['image'], 'mean'), right, ModelError, /'mean': found shape \[1,16\]/],
  ])('refuses outputs of another shape: %s', async (_, mean, diagonal, kind, message) => {
    const call = predict(modelOf(mean, diagonal))
    await expect(call).rejects.toThrow(kind)
    await expect(call).rejects.toThrow(message)
  })

  it('refuses outputs of another type, saying what to do', async () => {
    const cast = { ...node('Cast', ['image'], 'mean'), attributes: { to: { int: 10 } } }
    const halved = rewriteModel(modelOf(cast, right), { outputs: [{ name: 'mean' }, { name: 'diagonal' }] })
    await expect(predict(halved)).rejects.toThrow(ModelError)
    await expect(predict(halved)).rejects.toThrow(/'mean': found values of type float16.*Cast it to float32/)
  })

  it('refuses a file without an output that its metadata speak of', async () => {
    const bytes = modelOf(node('Conv', ['image', 'two'], 'mean'), right)
    const withoutDiagonal = rewriteModel(bytes, { outputs: [{ name: 'mean' }] })
    await expect(predict(withoutDiagonal)).rejects.toThrow(ModelError)
    await expect(predict(withoutDiagonal)).rejects.toThrow(/outputs mean; expected .*diagonal head, diagonal/)
  })

  it('refuses results that are not finite, and variances that are not positive', async () => {
    const mean = node('Conv', ['image', 'two'], 'mean')
    for (const [bytes, message] of [
      [modelOf(node('Conv', ['image', 'nan'], 'mean'), right), /mean: found NaN/],
      [modelOf(mean, node('Conv', ['image', 'nan'], 'diagonal')), /diagonal: found NaN/],
      [modelOf(mean, node('Conv', ['image', 'zero'], 'diagonal')), /diagonal: found 0/],
    ] as const) {
      await expect(predict(bytes)).rejects.toThrow(ValueError)
      await expect(predict(bytes)).rejects.toThrow(message)
    }
  })

  it('refuses an operator set that ONNX Runtime does not know', async () => {
    const call = predict(modelOf(node('Conv', ['image', 'two'], 'mean'), right, 99))
    await expect(call).rejects.toThrow(ModelError)
    await expect(call).rejects.toThrow(/[Oo]pset/)
  })

  it('refuses a graph that does not compute what it declares', async () => {
    const text = new TextDecoder('latin1').decode(modelOf(node('Conv', ['image', 'two'], 'moan'), right))
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
    await expect(predict(bytes)).rejects.toThrow(ModelError)
  })

  it('throws typed errors only, wherever a file is cut off or damaged', async () => {
    const place = fc.nat(model.length - 1)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          place.map((length) => model.subarray(0, length)),
          fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
            const bytes = model.slice()
            for (const [at, value] of changes) bytes[at] = value
            return bytes
          }),
        ),
        async (bytes) => {
          try {
            await predict(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(StochsegError)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it.skipIf(process.platform !== 'linux')(
    'when memory runs out, says what to do, goes on with smaller tiles, or says that there are none',
    async () => {
      const program = await bundle(fileURLToPath(new URL('test-programs/too-large.ts', import.meta.url)))
      // KiB. The features of the whole image take 10.5 million, half of them 8.4 (ONNX Runtime takes powers of two), the process
      // itself some 2.
      const command = `ulimit -v 11600000; exec "${process.execPath}" "${program}"`
      const { stdout } = await promisify(execFile)('bash', ['-c', command])
      const [untiled, smaller, size, fixed] = stdout.split('\n')
      expect(untiled).toMatch(/^OutOfMemoryError: prediction on cpu: .*smaller tiles/)
      expect([smaller, size]).toEqual(['tiles of 1024,1280', '2048,1280'])
      expect(fixed).toMatch(
        /^OutOfMemoryError: .* tiles of 2048 × 1280, the smallest that network and overlap allow/,
      )
    },
  )
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unet } from '@stochseg/backbones'
import { sampleLabelMaps } from '@stochseg/core'
import { ambiguousShapes } from '@stochseg/data'
import { OnnxSegmenter } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deeplabGraph } from '../../../../scripts/graph-models'
import { foreignNetwork, node } from '../../../onnx-adapter/src/wrap-onnx/foreign-network'
import { runRecorded } from '../recorded-io'

let folder: string
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-wrap-'))
  const spec = unet({ inputChannels: 1, widths: [8, 8], convolutionsPerLevel: 1 })
  const softmax = node('Softmax', ['classifier'], 'probabilities', { axis: { int: 1 } })
  await writeFile(at('foreign.onnx'), foreignNetwork(spec, 2, [softmax]))
})
afterAll(() => rm(folder, { recursive: true }))

const wrap = (...flags: string[]) => runRecorded(['wrap', '--model', at('foreign.onnx'), ...flags])

describe('stochseg wrap', () => {
  test('puts a head on a network and says what it found', async () => {
    const { code, stdout, stderr } = await wrap(
      '--classes',
      '2',
      '--rank',
      '3',
      '--out',
      at('wrapped.onnx'),
      '--json',
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ classes: 2, rank: 3, logits: 'classifier', channels: 1, dimensions: 2 },
      ...{ minimumSize: [2, 2], multipleOf: [2, 2], fixedSize: false },
    })
    const text = await wrap('--classes', '2', '--out', at('other.onnx'))
    expect(text.stdout).toMatch(/not trained yet: stochseg wrap --model .*other\.onnx/)
  })

  test('trains the head alone: a network that knew nothing of it says what raters disagree on', async () => {
    const flags = [
      '--data',
      'generated',
      '--classes',
      '2',
      '--rank',
      '2',
      '--steps',
      '120',
      '--samples',
      '10',
    ]
    const { code, stdout } = await wrap(
      ...flags,
      '--learning-rate',
      '0.03',
      '--validation-cases',
      '20',
      '--out',
      at('trained.onnx'),
      '--json',
    )
    expect(code).toBe(0)
    const { training } = JSON.parse(stdout)
    expect(training.bestLoss).toBeLessThan(training.firstLoss)
    expect(training.bestLoss).toBeLessThan(200)

    const segmenter = await OnnxSegmenter.load(at('trained.onnx'))
    const { image } = await ambiguousShapes({ split: 'test', cases: 1 }).case(0)
    const samples = sampleLabelMaps(await segmenter.predict(image, 1, [32, 32]), { samples: 8, seed: 0 })
    await segmenter.dispose()
    const sizes = Array.from({ length: 8 }, (_, m) =>
      samples.subarray(m * 1024, (m + 1) * 1024).reduce((sum, label) => sum + label, 0),
    )
    expect(new Set(sizes).size).toBeGreaterThan(3)
  })

  test('interrupted, it keeps what was learnt, and goes on from there', async () => {
    const flags = ['--data', 'generated', '--steps', '10000', '--out', at('begun.onnx')]
    const { code, stderr } = await runRecorded(
      ['wrap', '--model', at('wrapped.onnx'), ...flags],
      (text, interrupt) => {
        if (text.includes('step')) interrupt()
      },
    )
    expect(code).toBe(130)
    expect(stderr).toContain(`To go on: stochseg wrap --model ${at('begun.onnx')} --data generated`)
    expect(await readFile(at('begun.onnx'))).not.toEqual(await readFile(at('wrapped.onnx')))
    const again = [
      '--model',
      at('begun.onnx'),
      '--data',
      'generated',
      '--steps',
      '2',
      '--out',
      at('begun.onnx'),
    ]
    expect((await runRecorded(['wrap', ...again, '--validation-cases', '4'])).code).toBe(0)
  })

  test("takes TF.js' model.json with its weights", async () => {
    const config = { filters: 2, kernel_size: [1, 1], padding: 'same', activation: 'softmax', name: 'last' }
    const batch_input_shape = [null, null, null, 3]
    const layer = { class_name: 'Conv2D', config: { ...config, batch_input_shape } }
    const weights = [
      { name: 'last/kernel', shape: [1, 1, 3, 2], dtype: 'float32' },
      { name: 'last/bias', shape: [2], dtype: 'float32' },
    ]
    const json = {
      ...{ format: 'layers-model', modelTopology: { class_name: 'Sequential', config: [layer] } },
      weightsManifest: [{ paths: ['first.bin', 'second.bin'], weights }],
    }
    await writeFile(at('model.json'), JSON.stringify(json))
    await writeFile(at('first.bin'), new Uint8Array(Float32Array.of(1, -1, 2, -2, 0.5, 0.25).buffer))
    await writeFile(at('second.bin'), new Uint8Array(Float32Array.of(3, 4).buffer))
    const flags = [
      'wrap',
      '--model',
      at('model.json'),
      '--classes',
      '2',
      '--rank',
      '1',
      '--out',
      at('tfjs.onnx'),
    ]
    expect((await runRecorded(flags)).stderr).toBe('')
    const segmenter = await OnnxSegmenter.load(at('tfjs.onnx'))
    const { mean } = await segmenter.predict(Float32Array.of(1, 10, 100), 1, [1, 1])
    expect([...mean]).toEqual([1 + 20 + 50 + 3, -1 - 20 + 25 + 4])
    await segmenter.dispose()

    await rm(at('second.bin'))
    expect((await runRecorded(flags)).stderr).toMatch(/second\.bin': found no such file; expected weights/)
    await writeFile(at('model.json'), '{"layers": []}')
    expect((await runRecorded(flags)).stderr).toMatch(/found no modelTopology/)
  })

  test('asks what TF.js leaves open, and ends a graph model at the tensor that is named', async () => {
    const dilated = {
      name: 'wide',
      kernel_size: [3, 3],
      dilation_rate: [2, 2],
      padding: 'same',
      use_bias: false,
    }
    const depthwise = { ...dilated, batch_input_shape: [null, null, null, 2] }
    const modelTopology = {
      class_name: 'Sequential',
      config: [
        { class_name: 'DepthwiseConv2D', config: depthwise },
        { class_name: 'Conv2D', config: { name: 'last', filters: 2, kernel_size: [1, 1], use_bias: false } },
      ],
    }
    const weights = [
      { name: 'wide/depthwise_kernel', shape: [3, 3, 2, 1], dtype: 'float32' },
      { name: 'last/kernel', shape: [1, 1, 2, 2], dtype: 'float32' },
    ]
    const weightsManifest = [{ paths: ['open.bin'], weights }]
    await writeFile(
      at('open.json'),
      JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }),
    )
    await writeFile(at('open.bin'), new Uint8Array(Float32Array.from({ length: 22 }, (_, i) => i).buffer))
    const flags = [
      'wrap',
      '--model',
      at('open.json'),
      '--classes',
      '2',
      '--rank',
      '1',
      '--out',
      at('open.onnx'),
    ]
    expect((await runRecorded(flags)).stderr).toMatch(/'wide': found a dilation.*--depthwise-dilation yes/)
    expect((await runRecorded([...flags, '--depthwise-dilation', 'yes'])).stderr).toBe('')

    const { weightData, weightSpecs, ...graph } = deeplabGraph({ size: 33, classes: 3 })
    const manifest = [{ paths: ['graph.bin'], weights: weightSpecs }]
    await writeFile(
      at('graph.json'),
      JSON.stringify({ ...graph, format: 'graph-model', weightsManifest: manifest }),
    )
    await writeFile(at('graph.bin'), new Uint8Array(weightData))
    const ofGraph = [
      'wrap',
      '--model',
      at('graph.json'),
      '--classes',
      '3',
      '--rank',
      '1',
      '--out',
      at('graph.onnx'),
    ]
    expect(await runRecorded([...ofGraph, '--output', 'resized'])).toMatchObject({ code: 0, stderr: '' })
    const segmenter = await OnnxSegmenter.load(at('graph.onnx'))
    expect(segmenter.metadata.properties).toMatchObject({ logits: 'resized', features: 'concat_projection' })
    await segmenter.dispose()
  })

  test('says what is missing or does not fit', async () => {
    const noClasses = await wrap('--out', at('x.onnx'))
    expect(noClasses.stderr).toMatch(/no --classes.*1 is binary/)
    const wrong = await wrap('--classes', '3', '--out', at('x.onnx'))
    expect(wrong.stderr).toMatch(/found 2 channels; expected 3, one for each class/)
    const missing = await runRecorded(['wrap', '--model', at('none.onnx'), '--out', at('x.onnx')])
    expect(missing.stderr).toMatch(/no such file/)
    const ofFolder = await runRecorded(['wrap', '--model', folder, '--out', at('x.onnx')])
    expect(ofFolder.stderr).toMatch(/found a folder; expected an ONNX file\. Give the file in it/)
    const again = [
      'wrap',
      '--model',
      at('wrapped.onnx'),
      '--rank',
      '5',
      '--scale',
      '2',
      '--out',
      at('x.onnx'),
    ]
    const ignored = await runRecorded(again)
    expect(ignored.stderr).toMatch(/found a network with a head, and --rank, --scale; expected/)
    expect([noClasses.code, wrong.code, missing.code, ignored.code]).toEqual([1, 1, 1, 1])
    expect((await wrap('--classes', '2', '--scale', 'x', '--out', at('x.onnx'))).code).toBe(2)
  })
})

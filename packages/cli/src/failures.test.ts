// Bad input: exit code 1, one line that says what was found and what to do, and nothing lost.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { ambiguousShapes, encodePng, writePngFolder } from '@stochseg/data'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runRecorded } from './recorded-io'

let folder: string
let model: Uint8Array
let modelFile: string
const at = (...parts: string[]): string => join(folder, ...parts)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  modelFile = at('model.onnx')
  const spec = unet({ inputChannels: 1, widths: [2, 2] })
  const head = ssnHead({ classes: 2, rank: 1 })
  model = exportOnnx({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
  await writeFile(modelFile, model)
})
afterAll(() => rm(folder, { recursive: true }))

async function expectFailure(argv: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runRecorded(argv)
  expect(stderr).toMatch(message)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^stochseg: .*found .*; expected .*\./)
  expect(stderr).not.toMatch(/\n {4}at /)
}

/** A PNG data set whose test split has one case with two raters. */
async function pngData(name: string): Promise<string> {
  await writePngFolder(ambiguousShapes({ split: 'test', cases: 1, size: 16, raters: 2 }), at(name, 'test'))
  return at(name)
}

const grey = (width: number, height: number, value: number): Uint8Array =>
  encodePng({ width, height, channels: 1, depth: 8, data: new Uint8Array(width * height).fill(value) })

const evaluate = (data: string): string[] => [
  'evaluate',
  '--model',
  modelFile,
  '--data',
  data,
  '--samples',
  '2',
]

test('the data set that the next tests damage is good', async () => {
  const { code, stdout } = await runRecorded([...evaluate(await pngData('good')), '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ cases: 1, samples: 2 })
})

test('truncated HDF5', async () => {
  const signature = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)
  await writeFile(at('cut.h5'), Buffer.concat([signature, Buffer.alloc(100)]))
  await expectFailure(evaluate(at('cut.h5')), /cut\.h5.*HDF5/)
})

test('data that is not there', () => expectFailure(evaluate(at('nothing.h5')), /nothing\.h5.*Check the path/))

test('truncated PNG', async () => {
  const data = await pngData('truncated')
  const file = at('truncated', 'test', 'images', 'test-00000.png')
  await writeFile(file, (await readFile(file)).subarray(0, 60))
  await expectFailure(evaluate(data), /test-00000\.png.*whole PNG/)
})

test('a mask of another size than its image', async () => {
  const data = await pngData('sizes')
  await writeFile(at('sizes', 'test', 'gt', 'test-00000_l1.png'), grey(16, 8, 0))
  await expectFailure(evaluate(data), /_l1\.png: found 16×8 pixels; expected 16×16/)
})

test('a mask value that is no class', async () => {
  const data = await pngData('values')
  await writeFile(at('values', 'test', 'gt', 'test-00000_l0.png'), grey(16, 16, 7))
  await expectFailure(evaluate(data), /_l0\.png: found value 7/)
})

test('an empty data set', async () => {
  await mkdir(at('empty', 'test', 'images'), { recursive: true })
  await mkdir(at('empty', 'test', 'gt'), { recursive: true })
  await expectFailure(evaluate(at('empty')), /found no PNG/)
})

test('an ONNX file without an SSN head', async () => {
  const bytes = Buffer.from(model.slice())
  for (let found = bytes.indexOf('mean'); found >= 0; found = bytes.indexOf('mean'))
    bytes.write('logs', found)
  await writeFile(at('headless.onnx'), bytes)
  await expectFailure(['inspect', at('headless.onnx')], /SSN head/)
})

test('truncated ONNX', async () => {
  await writeFile(at('cut.onnx'), model.subarray(0, 200))
  await expectFailure(['inspect', at('cut.onnx')], /truncated/)
})

test('an image of another kind than the model wants', async () => {
  const data = new Uint8Array(16 * 16 * 3)
  await writeFile(at('colour.png'), encodePng({ width: 16, height: 16, channels: 3, depth: 8, data }))
  const argv = ['predict', '--model', modelFile, '--input', at('colour.png'), '--out', at('colour')]
  await expectFailure(argv, /found 3 channels; expected 1/)
})

test('two inputs of one name', async () => {
  const inputs = [at('a', 'x.png'), at('b', 'x.png')]
  await expectFailure(['predict', '--model', modelFile, '--input', ...inputs, '--out', at('x')], /differ/)
})

test('an output folder that is a file stays that file', async () => {
  await writeFile(at('file'), 'precious')
  const occupied = /a file where a folder should be/
  await writeFile(at('grey.png'), grey(16, 16, 0))
  await expectFailure(
    ['predict', '--model', modelFile, '--input', at('grey.png'), '--out', at('file')],
    occupied,
  )
  await expectFailure(['toy', '--iterations', '2', '--out', at('file')], occupied)
  const tiny = ['--widths', '2', '--steps', '1', '--samples', '1']
  await expectFailure(['train', '--data', 'generated', '--out', at('file'), ...tiny], occupied)
  expect(await readFile(at('file'), 'utf8')).toBe('precious')
})

test('a configuration with a wrong key or value', async () => {
  await writeFile(at('configuration.json'), '{"widht": [2]}')
  const argv = ['train', '--data', 'generated', '--out', at('run'), '--config', at('configuration.json')]
  await expectFailure(argv, /widht/)
  await writeFile(at('configuration.json'), '{"rank": 0}')
  await expectFailure(argv, /configuration 'rank': found 0/)
  await writeFile(at('configuration.json'), '{')
  await expectFailure(argv, /configuration\.json.*JSON/)
  expect(await readdir(folder)).not.toContain('run')
})

test('images that the network cannot take name the size that it could', async () => {
  const tiny = ['--widths', '2,2,2,2,2,2,2', '--steps', '1']
  await expectFailure(
    ['train', '--data', 'generated', '--out', at('run'), ...tiny],
    /Pad the image to 64 × 64/,
  )
})

// numpy arrays in, numpy arrays out.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialWeights, meshnet, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import { encodeNpy, encodePng, readNpy, readPng } from '@stochseg/data'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Recorded, runRecorded } from '../recorded-io'

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)
const bytes = Uint8Array.from({ length: 70 }, (_, index) => (index * 37) % 256)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const head = ssnHead({ classes: 2, rank: 2 })
  const flat = unet({ inputChannels: 1, widths: [2, 3] })
  const volume = meshnet({ inputChannels: 2, width: 2, dilations: [1] })
  for (const [name, spec] of Object.entries({ flat, volume })) {
    const weights = initialWeights(spec, head, { seed: 1 })
    await writeFile(at(`${name}.onnx`), exportOnnx({ spec, head, weights }))
  }
  await writeFile(at('image.npy'), encodeNpy({ shape: [7, 10], data: bytes }))
  await writeFile(at('image.png'), encodePng({ width: 10, height: 7, channels: 1, depth: 8, data: bytes }))
})
afterAll(() => rm(folder, { recursive: true }))

const predict = (model: string, input: string, ...flags: string[]): Promise<Recorded> =>
  runRecorded([
    ...['predict', '--model', at(`${model}.onnx`), '--input', at(input), '--samples', '2', '--seed', '3'],
    ...['--out', at(`${model} of ${input}`), ...flags],
  ])

test('an image as an array gives what it gives as a PNG', async () => {
  for (const input of ['image.npy', 'image.png']) expect((await predict('flat', input)).code).toBe(0)
  const results = at('flat of image.npy', 'image')
  const names = ['entropy.npy', 'mean.npy', 'sample-001.npy', 'sample-002.npy', 'summary.json']
  expect((await readdir(results)).sort()).toEqual(names)
  for (const name of ['mean', 'sample-001', 'sample-002']) {
    const array = await readNpy(join(results, `${name}.npy`))
    expect(array).toMatchObject({ shape: [7, 10], type: 'u1' })
    const png = await readPng(at('flat of image.png', 'image', `${name}.png`))
    expect([...array.data].map((label) => label * 255)).toEqual([...png.data])
  }
  const entropy = await readNpy(join(results, 'entropy.npy'))
  expect(entropy).toMatchObject({ shape: [7, 10], type: 'f4' })
  const shown = await readPng(at('flat of image.png', 'image', 'entropy.png'))
  expect([...entropy.data].map((value) => Math.round(value * 65535))).toEqual([...shown.data])
})

test('a volume of several channels, with a mask of booleans; fewer samples leave none of the old ones', async () => {
  const shape = [2, 3, 5, 6]
  await writeFile(at('volume.npy'), encodeNpy({ shape, data: standardNormals(180, { seed: 1 }) }))
  const inside = Uint8Array.from({ length: 90 }, (_, voxel) => Number(voxel < 30))
  const mask = Buffer.from(encodeNpy({ shape: [3, 5, 6], data: inside }))
  mask.write('b1', mask.indexOf('u1'))
  await writeFile(at('mask.npy'), mask)
  for (const samples of ['2', '1']) {
    const { code, stderr } = await predict(
      'volume',
      'volume.npy',
      '--mask',
      at('mask.npy'),
      '--samples',
      samples,
    )
    expect(code, stderr).toBe(0)
  }
  const results = at('volume of volume.npy', 'volume')
  expect(await readdir(results)).not.toContain('sample-002.npy')
  const { data, shape: size } = await readNpy(join(results, 'sample-001.npy'))
  expect(size).toEqual([3, 5, 6])
  expect(data.slice(30).every((label) => label === 0)).toBe(true)
  expect(data.some((label) => label === 1)).toBe(true)
})

test.each([
  ['channels that come last', [7, 10, 1], undefined, /found 7 channels; .*channels first/],
  ['a vector', [70], undefined, /shape \(70\); expected \[height, width\]/],
  ['a mask of another size', [7, 10], [10, 7], /shape \(10, 7\); expected \(7, 10\)/],
])('%s: refused', async (_, shape, maskShape, message) => {
  await writeFile(at('wrong.npy'), encodeNpy({ shape, data: bytes }))
  if (maskShape) await writeFile(at('size.npy'), encodeNpy({ shape: maskShape, data: bytes }))
  const { code, stderr } = await predict(
    'flat',
    'wrong.npy',
    ...(maskShape ? ['--mask', at('size.npy')] : []),
  )
  expect(stderr).toMatch(message)
  expect(code).toBe(1)
})

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ambiguousShapes, writePng, writePngFolder } from '@stochseg/data'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runRecorded } from '../recorded-io'
import { readMetrics } from '../run-folder/metrics-log'

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  await writePngFolder(ambiguousShapes({ split: 'train', cases: 5, size: 16 }), at('data', 'train'))
  await writePngFolder(ambiguousShapes({ split: 'val', cases: 2, size: 16 }), at('data', 'val'))
  const masks = (await readdir(at('data', 'train', 'gt'), { recursive: true })).filter((name) =>
    name.endsWith('.png'),
  )
  const data = new Uint8Array(16 * 16).fill(7)
  await writePng(at('data', 'train', 'gt', masks.sort()[0]!), {
    width: 16,
    height: 16,
    channels: 1,
    depth: 8,
    data,
  })
})
afterAll(() => rm(folder, { recursive: true }))

test('a mask that cannot be used is named, and the run goes on without it, or otherwise, where that is asked for', async () => {
  const options = [
    ...['--data', at('data'), '--widths', '2,4', '--rank', '2', '--batch-size', '1', '--samples', '2'],
    ...['--steps', '8', '--mean-steps', '2', '--validate-every', '20'],
  ]
  const stopped = await runRecorded(['train', '--out', at('run'), ...options])
  expect(stopped.code).toBe(1)
  expect(stopped.stderr).toMatch(/gt.*\.png.*found value 7/)
  // What was trained before is kept.
  expect((await readMetrics(at('run', 'metrics.ndjson'))).map(({ step }) => step)).toEqual([1, 2, 3])

  const resumed = await runRecorded(['train', '--out', at('run'), '--resume', '--on-bad-case', 'skip'])
  expect(resumed.code, resumed.stderr).toBe(0)
  expect(resumed.stderr).toMatch(/Left out: .*gt.*\.png.*found value 7/)
  const steps = (await readMetrics(at('run', 'metrics.ndjson'))).filter(({ event }) => event === 'step')
  expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(steps[3]).toMatchObject({
    skipped: [{ id: expect.any(String) }],
    gradientNorm: expect.any(Number),
  })

  const slower = ['train', '--out', at('run'), '--resume', '--steps', '10', '--learning-rate', '0.0001']
  const refused = await runRecorded(slower)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('give --change')
  expect((await runRecorded([...slower, '--change'])).code).toBe(0)
  expect((await readMetrics(at('run', 'metrics.ndjson'))).at(-1)).toMatchObject({ step: 10 })
})

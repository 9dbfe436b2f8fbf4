import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataError } from '@stochseg/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMetricsLog, readMetrics } from './metrics-log'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  path = join(folder, 'metrics.ndjson')
})
afterEach(() => rm(folder, { recursive: true }))

const step = (number: number) =>
  ({ event: 'step', step: number, phase: 'all', loss: number / 2, learningRate: 1, seconds: 0 }) as const

test('reopening drops what came after the step, and a line that a crash cut off', async () => {
  const log = await openMetricsLog(path, 0)
  for (const number of [1, 2, 3]) log.append(step(number))
  log.close()
  await appendFile(path, '{"event":"step","st')
  expect(await readMetrics(path)).toEqual([step(1), step(2), step(3)])

  const resumed = await openMetricsLog(path, 2)
  resumed.append(step(3))
  resumed.close()
  expect(await readMetrics(path)).toEqual([step(1), step(2), step(3)])
})

test.each(['garbage', 'null', '{"event":"step"}'])(
  'a line %s in its middle is named, and nothing lost',
  async (line) => {
    const log = await openMetricsLog(path, 0)
    log.append(step(1))
    log.close()
    await appendFile(path, `${line}\n`)
    const before = await readFile(path, 'utf8')
    await expect(openMetricsLog(path, 1)).rejects.toThrow(/line 2 of .*metrics\.ndjson.*Remove the line/)
    expect(await readFile(path, 'utf8')).toBe(before)
  },
)

test('one that cannot be read is not taken for one that is not there', async () => {
  await mkdir(path)
  await expect(readMetrics(path)).rejects.toThrow(DataError)
})

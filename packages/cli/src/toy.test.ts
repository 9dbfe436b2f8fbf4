import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodePng } from '@stochseg/data'
import { expect, test } from 'vitest'
import { runRecorded } from './recorded-io'

test('prints both log-likelihoods and draws the figure', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const { code, stdout } = await runRecorded(['toy', '--iterations', '200', '--json', '--out', folder])
  expect(code).toBe(0)
  const result = JSON.parse(stdout)
  expect(Object.keys(result)).toEqual(['lowRank', 'diagonal', 'seconds'])
  expect(result.lowRank.logLikelihood).toBeGreaterThan(result.diagonal.logLikelihood)
  expect(await readFile(join(folder, 'toy.svg'), 'utf8')).toMatch(/^<svg .*14 samples.*<\/svg>$/s)
  expect(decodePng(await readFile(join(folder, 'toy.png'))).width).toBeGreaterThan(1000)
  await rm(folder, { recursive: true })
})

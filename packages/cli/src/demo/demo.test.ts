import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runRecorded } from '../recorded-io'
import { demoSummary } from './demo-report'
import type { DemoResult } from './demo-result'

test('trains, exports, evaluates and reports', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const { code, stdout, stderr } = await runRecorded(['demo', '--steps', '2', '--out', folder, '--json'])
  expect(code, stderr).toBe(0)
  expect((await readdir(folder)).sort()).toEqual([
    'deterministic',
    'diagonal',
    'low-rank',
    'report.html',
    'samples.png',
    'samples.svg',
    'test',
  ])
  const images = join(folder, 'test', 'images')
  const [image] = await readdir(images)
  const predicted = await runRecorded([
    ...['predict', '--model', join(folder, 'low-rank'), '--input', join(images, image!)],
    ...['--out', join(folder, 'predictions'), '--samples', '1'],
  ])
  expect(predicted.code, predicted.stderr).toBe(0)
  const result = JSON.parse(stdout)
  expect(result.models.diagonal).toMatchObject({ cases: 100, samples: 100 })
  expect(result.models.deterministic.diversity).toBe(0)
  expect(result.bestPossible.ged).toBeLessThan(result.imageBlind.ged)
  const page = await readFile(join(folder, 'report.html'), 'utf8')
  for (const sentence of demoSummary(result)) expect(page).toContain(sentence)
  expect(page.match(/<svg[^>]*class="marks"/g)).toHaveLength(2)
  expect(page.match(/<section/g)).toHaveLength(8)
  await rm(folder, { recursive: true })
})

test('the summary says who wins, by how much, and how far it is from the best', () => {
  const evaluation = (ged: number) => ({ ged, standardError: { ged: 0.01 } })
  const result = (lowRank: number) =>
    ({
      models: { 'low-rank': evaluation(lowRank), diagonal: evaluation(0.4), deterministic: evaluation(0.5) },
      imageBlind: evaluation(0.6),
      bestPossible: { samples: 100, ged: 0.1 },
    }) as unknown as DemoResult
  const [first, second] = demoSummary(result(0.2))
  expect(first).toMatch(
    /^Low rank wins: .* 0\.200 ± 0\.010, 50 % below the diagonal model \(0\.400\), 60 % below/,
  )
  expect(second).toMatch(/0\.100: low rank is 0\.100 away from it, and covers 80 % of the way/)
  const [worse, covered] = demoSummary(result(0.9))
  expect(worse).toMatch(/^Low rank does not win everywhere: .* 125 % above the diagonal model \(0\.400\)/)
  expect(covered).toContain('covers nothing of the way')
})

import { expect, it, vi } from 'vitest'

it('prints samples of both experts and of nobody else', async () => {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line))
  await import('./main')
  log.mockRestore()
  const rows = lines.slice(-6).map((line) => line.split('   '))
  const samples = rows[0]!.map((_, sample) => rows.map((row) => row[sample]).join('\n'))
  expect(samples).toHaveLength(6)
  const one = '..####........\n.######.......\n.######.......\n..####........'
  const both = '..####...##...\n.###########..\n.###########..\n..####...##...'
  const line = '..............'
  expect(new Set(samples)).toEqual(new Set([one, both].map((middle) => `${line}\n${middle}\n${line}`)))
})

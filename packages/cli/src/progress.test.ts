import { expect, test } from 'vitest'
import { duration, showProgress } from './progress'

function recorder(isTTY: boolean) {
  const lines: string[] = []
  return { lines, isTTY, columns: 40, write: (text: string) => lines.push(text) }
}

test('a log gets a line now and then, and the last', () => {
  let now = 0
  const output = recorder(false)
  const progress = showProgress(output, 'step', () => now)
  for (let step = 1; step <= 100; step++) {
    now += 100
    progress.update(step, 100, 'loss 2')
  }
  progress.finish()
  expect(output.lines).toEqual([
    'step 1/100 (0 s, 10 s left) loss 2\n',
    'step 51/100 (5 s, 5 s left) loss 2\n',
    'step 100/100 (10 s) loss 2\n',
  ])
})

test('a terminal gets one line that fits', () => {
  const output = recorder(true)
  const progress = showProgress(output, 'step', () => 0)
  progress.update(1, 10, 'x'.repeat(100))
  progress.finish()
  expect(output.lines).toHaveLength(2)
  expect(output.lines[0]).toHaveLength('\r\x1b[2K'.length + 39)
  expect(output.lines[1]).toBe('\n')
})

test('durations', () => {
  expect([8.2, 200, 7500].map(duration)).toEqual(['8 s', '3 min 20 s', '2 h 05 min'])
})

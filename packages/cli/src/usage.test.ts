import { expect, test } from 'vitest'
import { runRecorded } from './recorded-io'

test.each([['--help'], ['--version'], ['train', '--help'], ['help', 'evaluate']])(
  '%s %s prints to stdout and is no failure',
  async (...argv) => {
    const { code, stdout, stderr } = await runRecorded(argv)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toBe('')
  },
)

test.each([
  [['trian'], /Did you mean train\?/],
  [['toy', '--iteration', '10'], /Did you mean --iterations\?/],
  [['toy', '--iterations', '2.5'], /whole number of at least 2/],
  [['evaluate', '--data', 'x'], /required option '--model <path>'/],
  [
    ['evaluate', '--model', 'x', '--data', 'x', '--split', 'validation'],
    /Allowed choices are train, val, test/,
  ],
  [['predict', '--model', 'x', '--input', 'x', '--out', 'x', '--shard', '3/2'], /i\/n/],
  [['predict', '--model', 'x', '--input', 'x', '--out', 'x', '--class-scale', '1'], /class=weight/],
  [['predict', '--model', 'x', '--input', 'x', '--out', 'x', '--temperature', '0'], /above 0/],
  [['train', '--data', 'generated', '--out', 'x', '--widths', '8', '16'], /too many arguments/],
  [['demo', 'here'], /too many arguments/],
  [['inspect'], /missing required argument 'path'/],
  [[], /Usage: stochseg/],
])('stochseg %j is wrong usage', async (argv, message) => {
  const { code, stdout, stderr } = await runRecorded(argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})

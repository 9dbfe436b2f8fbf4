// The pages' word: the README's snippets run, and every `stochseg` command on any page names verbs and flags that exist.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as backbones from '@stochseg/backbones'
import { run } from '@stochseg/cli'
import * as core from '@stochseg/core'
import * as data from '@stochseg/data'
import * as onnx from '@stochseg/onnx-adapter'
import * as tfjs from '@stochseg/tfjs-adapter'
import { describe, expect, it } from 'vitest'
import { runSnippets } from './run-snippets'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const read = (page: string): string => readFileSync(`${root}/${page}`, 'utf8')

/** The command lines that begin with `stochseg` in a page's shell blocks, comments cut off. */
function commandLines(markdown: string): string[] {
  return [...markdown.matchAll(/```sh\n(.*?)```/gs)]
    .flatMap((block) => block[1]!.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => line.match(/^(?:npx |npm run )?stochseg (?:-- )?([^#]*)/)?.[1]?.trim() ?? [])
}

async function helpOf(verb: string): Promise<string> {
  let text = ''
  const output = {
    columns: 200,
    write(chunk: string) {
      text += chunk
    },
  }
  const code = await run([verb, '--help'], {
    stdout: output,
    stderr: output,
    env: {},
    signal: new AbortController().signal,
  })
  expect(code, `stochseg ${verb} --help`).toBe(0)
  return text
}

it('README.md does what it says', async () => {
  await runSnippets(read('README.md'), {
    '@stochseg/backbones': backbones,
    '@stochseg/core': core,
    '@stochseg/data': data,
    '@stochseg/onnx-adapter': onnx,
    '@stochseg/tfjs-adapter': tfjs,
  })
  expect.hasAssertions()
})

const commands = pages.flatMap((page) => commandLines(read(page)).map((line) => ({ page, line })))

describe('commands on pages', () => {
  it('are found', () => expect(commands.length).toBeGreaterThan(5))

  it.each(commands)('$page: stochseg $line', async ({ line }) => {
    const [verb, ...words] = line.split(/\s+/)
    const help = await helpOf(verb!)
    for (const flag of words.filter((word) => word.startsWith('--'))) expect(help).toContain(flag)
  })
})

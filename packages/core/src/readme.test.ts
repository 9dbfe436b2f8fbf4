import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as core from './index'

it('README.md does what it says', async () => {
  const markdown = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  await runSnippets(markdown, { '@stochseg/core': core })
  expect.hasAssertions()
})

import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as core from './index'

it.each(['../README.md', '../../../docs/sampling.md', '../../../docs/metrics.md'])(
  '%s does what it says',
  async (page) => {
    const markdown = await readFile(new URL(page, import.meta.url), 'utf8')
    await runSnippets(markdown, { '@stochseg/core': core })
    expect.hasAssertions()
  },
)

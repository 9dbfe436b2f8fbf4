import { readFile } from 'node:fs/promises'
import * as core from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as backbones from './index'

describe('pages', () => {
  it.each(['../README.md', '../../../docs/network-spec.md', '../../../docs/backbones.md'])(
    '%s does what it says',
    async (page) => {
      const markdown = await readFile(new URL(page, import.meta.url), 'utf8')
      await runSnippets(markdown, { '@stochseg/core': core, '@stochseg/backbones': backbones })
      expect.hasAssertions()
    },
  )
})

import { readFile } from 'node:fs/promises'
import * as backbones from '@stochseg/backbones'
import * as core from '@stochseg/core'
import { expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as adapter from './index'

it.each(['../README.md', '../../../docs/devices.md', '../../../docs/onnx.md'])(
  '%s does what it says',
  async (page) => {
    const markdown = await readFile(new URL(page, import.meta.url), 'utf8')
    const modules = {
      '@stochseg/core': core,
      '@stochseg/backbones': backbones,
      '@stochseg/onnx-adapter': adapter,
    }
    await runSnippets(markdown, modules)
    expect.hasAssertions()
  },
)

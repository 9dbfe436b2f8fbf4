// docs/whole-images.md does what it says.
import { readFile } from 'node:fs/promises'
import * as backbones from '@stochseg/backbones'
import * as core from '@stochseg/core'
import * as onnx from '@stochseg/onnx-adapter'
import { expect, it } from 'vitest'
import { runSnippets } from './run-snippets'

it('docs/whole-images.md does what it says', async () => {
  await runSnippets(await readFile(new URL('../docs/whole-images.md', import.meta.url), 'utf8'), {
    '@stochseg/backbones': backbones,
    '@stochseg/core': core,
    '@stochseg/onnx-adapter': onnx,
  })
  expect.hasAssertions()
})

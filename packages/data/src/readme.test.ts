import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as data from './index'

it('the README does what it says', async () => {
  const markdown = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const folder = await mkdtemp(join(tmpdir(), 'stochseg-readme-'))
  try {
    await runSnippets(markdown.replaceAll("'shapes", `'${folder}/shapes`), { '@stochseg/data': data })
  } finally {
    await rm(folder, { recursive: true })
  }
  expect.hasAssertions()
})

it('the page on augmentation does what it says', async () => {
  const markdown = await readFile(new URL('../../../docs/augmentation.md', import.meta.url), 'utf8')
  await runSnippets(markdown, { '@stochseg/data': data })
  expect.hasAssertions()
})

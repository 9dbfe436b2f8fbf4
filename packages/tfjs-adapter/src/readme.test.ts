import { readFile } from 'node:fs/promises'
import * as backbones from '@stochseg/backbones'
import * as core from '@stochseg/core'
import * as data from '@stochseg/data'
import * as tf from '@tensorflow/tfjs-core'
import * as tfjsLayers from '@tensorflow/tfjs-layers'
import { expect, it } from 'vitest'
import { runSnippets } from '../../../scripts/run-snippets'
import * as adapter from './index'
import * as wasmTrainingKernels from './wasm-training-kernels'

it.each(['../README.md', '../../../docs/training.md'])('%s does what it says', async (page) => {
  const markdown = await readFile(new URL(page, import.meta.url), 'utf8')
  await runSnippets(markdown, {
    '@stochseg/backbones': backbones,
    '@stochseg/core': core,
    '@stochseg/data': data,
    '@stochseg/tfjs-adapter': adapter,
    '@stochseg/tfjs-adapter/wasm-training-kernels': wasmTrainingKernels,
    '@tensorflow/tfjs-core': tf,
    '@tensorflow/tfjs-layers': tfjsLayers,
  })
  expect.hasAssertions()
})

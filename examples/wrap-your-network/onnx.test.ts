import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wrapOnnx } from '@stochseg/onnx-adapter'
import { expect, it } from 'vitest'
import { figuresOf, makeNetwork, trainHead } from './onnx'

const hasTorch = spawnSync('/usr/bin/python3', ['-c', 'import torch']).status === 0

it.skipIf(!hasTorch)(
  `a PyTorch network that gives one answer learns to give several${hasTorch ? '' : ' (needs PyTorch: apt-get install python3-torch)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-wrap-'))
    try {
      const wrapped = await wrapOnnx(await makeNetwork(folder, 80), { classes: 2, rank: 4 })
      const trained = await trainHead(wrapped, 60)
      const [before, after] = [await figuresOf(wrapped), await figuresOf(trained)]
      expect(after.ged).toBeLessThan(0.9 * before.ged)
      expect(after.diversity).toBeGreaterThan(before.diversity)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  120_000,
)

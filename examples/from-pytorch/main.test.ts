import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { compare } from './main'

/** A Python that can export: `STOCHSEG_PYTHON`, otherwise the system's, which on Debian may have python3-torch. */
const python = process.env.STOCHSEG_PYTHON ?? '/usr/bin/python3'
const hasTorch = spawnSync(python, ['-c', 'import torch']).status === 0

it.skipIf(!hasTorch)(
  `gives the loss and the samples of PyTorch${hasTorch ? '' : ' (needs PyTorch, e.g. Debian: apt-get install python3-torch)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-pytorch-'))
    try {
      const script = fileURLToPath(new URL('export.py', import.meta.url))
      const run = spawnSync(python, ['-B', '-W', 'ignore', script, folder], { encoding: 'utf8' })
      expect(run.status, run.stderr).toBe(0)
      const { loss, torchLoss, logitDifference } = await compare(folder)
      expect(Math.abs(loss / torchLoss - 1)).toBeLessThan(1e-6)
      expect(logitDifference).toBeLessThan(1e-5)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

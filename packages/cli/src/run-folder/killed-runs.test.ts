// Processes that are killed, or run out of room, at any moment: the run always comes to the same end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomInteger } from '@stochseg/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { checkpointStore } from './checkpoint-store'

let program: string
let folder: string
let straight: Result

/** All that a run leaves. */
type Result = Readonly<Record<string, string>>

beforeAll(async () => {
  program = await bundle(fileURLToPath(new URL('../test-programs/run-to-the-end.ts', import.meta.url)))
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const run = await started('straight')
  expect(await ended(run)).toEqual({ code: 0, stderr: '' })
  straight = await resultOf('straight')
  expect(Object.keys(straight)).toEqual(['best.safetensors', 'last.safetensors', 'metrics.ndjson'])
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await rm(dirname(program), { recursive: true })
})

/** A process that trains in `name`; `limit` is the largest file in KiB that it may write. */
async function started(name: string, limit?: number): Promise<ChildProcess> {
  await mkdir(join(folder, name), { recursive: true })
  const command = [process.execPath, program, join(folder, name)]
  return limit === undefined
    ? spawn(command[0]!, command.slice(1))
    : spawn('bash', ['-c', 'ulimit -f "$0" && exec "$@"', String(limit), ...command])
}

async function ended(run: ChildProcess): Promise<{ readonly code: number | null; readonly stderr: string }> {
  let stderr = ''
  run.stderr!.on('data', (text) => {
    stderr += text
  })
  run.stdout!.resume()
  const [code] = (await once(run, 'close')) as [number | null]
  return { code, stderr }
}

/** Kills a process some milliseconds after it has taken so many steps. */
async function killed(run: ChildProcess, steps: number, milliseconds: number): Promise<void> {
  const end = ended(run)
  let taken = 0
  const reached = new Promise<void>((resolve) => {
    run.stdout!.on('data', (text: Buffer) => {
      taken += text.length
      if (taken >= steps) resolve()
    })
  })
  await Promise.race([reached, end])
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  run.kill('SIGKILL')
  await end
}

async function resultOf(name: string): Promise<Result> {
  const checkpoints = join(folder, name, 'checkpoints')
  const files = (await readdir(checkpoints)).sort().map((file) => join(checkpoints, file))
  const contents = [...files, join(folder, name, 'metrics.ndjson')].map(
    async (file) =>
      [file.slice(dirname(file).length + 1), (await readFile(file)).toString('base64')] as const,
  )
  return Object.fromEntries(await Promise.all(contents))
}

describe.skipIf(process.platform === 'win32')('a run', { timeout: 180_000 }, () => {
  test('that is killed twenty times comes to the end of one that is not', async () => {
    const draw = (index: number, bound: number): number => randomInteger({ seed: 1, index }, bound)
    for (let kill = 0; kill < 20; kill++) {
      await killed(await started('killed'), 1 + draw(2 * kill, 20), draw(2 * kill + 1, 10))
    }
    // None of them came to the end by itself.
    expect((await checkpointStore(join(folder, 'killed')).load('last'))!.step).toBeLessThan(300)
    expect(await ended(await started('killed'))).toEqual({ code: 0, stderr: '' })
    expect(await resultOf('killed')).toEqual(straight)
  })

  test('that has no room for a checkpoint says so, keeps the last one, and comes to the same end', async () => {
    await killed(await started('full'), 20, 0)
    const before = (await checkpointStore(join(folder, 'full')).load('last'))!.step

    const { code, stderr } = await ended(await started('full', 100))
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /DataError: .*last.safetensors': found a limit on the size of files; expected a place to write/,
    )
    expect((await checkpointStore(join(folder, 'full')).load('last'))!.step).toBe(before)

    expect(await ended(await started('full'))).toEqual({ code: 0, stderr: '' })
    expect(await resultOf('full')).toEqual(straight)
  })
})

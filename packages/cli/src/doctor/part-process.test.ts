// Programs that stand for the command: one that answers, some that do not.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CommandIo } from '../io'
import type { Finding } from './finding'
import { tryPartInProcess } from './part-process'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function tried(
  source: string,
  { env = {}, signal = new AbortController().signal }: Partial<CommandIo> = {},
): Promise<{ readonly findings: Finding[]; readonly stderr: string }> {
  const program = join(folder, 'program.mjs')
  await writeFile(program, source)
  let stderr = ''
  const output = { write: (text: string) => (stderr += text) }
  const io: CommandIo = { stdout: output, stderr: output, env, signal }
  return { findings: await tryPartInProcess('webgpu', { matrix: true }, program, io), stderr }
}

test('gives what the process found; what else it printed is shown for debugging alone', async () => {
  const source = `
    console.error('noise')
    console.log(JSON.stringify({ findings: [process.argv.slice(2)] }))
  `
  const expected = [['doctor', '--only', 'webgpu', '--json', '--matrix']]
  expect(await tried(source)).toEqual({ findings: expected, stderr: '' })
  const debugged = await tried(source, { env: { STOCHSEG_DEBUG: '1' } })
  expect(debugged).toEqual({ findings: expected, stderr: 'noise\n' })
})

test.each([
  ["process.kill(process.pid, 'SIGSEGV')", /was ended by SIGSEGV$/],
  ["console.error('first\\nno more memory'); process.exitCode = 1", /ended with 1, after: no more memory$/],
  ["console.log('no JSON')", /ended with SyntaxError/],
])('a process that dies is a finding: %s', async (source, reason) => {
  const { findings } = await tried(source)
  expect(findings).toEqual([
    { task: 'training', runtime: 'tfjs webgpu', works: false, reason: expect.stringMatching(reason) },
  ])
})

test('Ctrl-C ends the process, busy as it may be', async () => {
  const controller = new AbortController()
  const started = join(folder, 'pid')
  const busy = `
    import { renameSync, writeFileSync } from 'node:fs'
    process.on('SIGTERM', () => {})
    writeFileSync(${JSON.stringify(`${started}.part`)}, String(process.pid))
    renameSync(${JSON.stringify(`${started}.part`)}, ${JSON.stringify(started)})
    for (;;);
  `
  const stopped = expect(tried(busy, { signal: controller.signal })).rejects.toBe('stopped')
  await expect.poll(() => existsSync(started), { timeout: 20_000 }).toBe(true)
  controller.abort('stopped')
  await stopped
  const pid = Number(await readFile(started, 'utf8'))
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

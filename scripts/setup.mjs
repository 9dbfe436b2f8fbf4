// Brings a fresh clone to a state in which the demo and the tests run: installs what package-lock.json names, then builds.
// Does nothing that is already done: an up-to-date install and an unchanged build are recognised.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (command, args) => {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    // Turbo would otherwise report usage.
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

const installed = `${root}/node_modules/.package-lock.json`
const upToDate =
  existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}/package-lock.json`).mtimeMs
if (!upToDate) run('npm', ['ci', '--no-audit', '--no-fund'])
run('npx', ['turbo', 'run', 'build', '--output-logs=errors-only'])

// Bundles the worker's program and embeds it as a string, so that it needs no file that a bundler would have to find. Does
// nothing where it is newer than what it is made from.
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const GENERATED = 'src/worker/worker-source.generated.ts'
const SOURCES = [
  'scripts/embed-worker.mjs',
  'src/devices/runtime-of.ts',
  'src/node.ts',
  'src/session/exclusive.ts',
  'src/session/onnx-session.ts',
  'src/worker/orderly-exit.ts',
  'src/worker/serve-model.ts',
  'src/worker/worker.ts',
]

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  if (changed(GENERATED) >= Math.max(...SOURCES.map(changed))) return
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-'))
  await build({
    entry: { worker: join(root, 'src/worker/worker.ts') },
    outDir: folder,
    format: 'iife',
    minify: true,
    target: 'es2022',
    config: false,
    silent: true,
  })
  const source = readFileSync(join(folder, 'worker.global.js'), 'utf8').trim()
  rmSync(folder, { recursive: true })
  // Renamed into place: tests and builds may run side by side.
  const written = join(root, `${GENERATED}.${process.pid}`)
  writeFileSync(
    written,
    `// Made by scripts/embed-worker.mjs.\nexport const WORKER_SOURCE: string = ${JSON.stringify(source)}\n`,
  )
  renameSync(written, join(root, GENERATED))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

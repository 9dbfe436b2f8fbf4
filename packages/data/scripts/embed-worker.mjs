// Bundles the augmentation worker's program to one script and embeds it as a string: the package then needs no file beside
// its JavaScript. Does nothing where the string is newer than what it is made from.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = 'src/augmentation'
const WORKER = `${SOURCES}/worker-source.generated.ts`

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0

async function bundledWorker() {
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-'))
  try {
    await build({
      entry: { worker: join(root, SOURCES, 'worker.ts') },
      outDir: folder,
      format: 'iife',
      minify: true,
      target: 'es2022',
      platform: 'node',
      config: false,
      silent: true,
    })
    return readFileSync(join(folder, 'worker.global.js'), 'utf8').trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  const sources = readdirSync(join(root, SOURCES)).map((name) => `${SOURCES}/${name}`)
  const newest = Math.max(
    ...[...sources.filter((path) => path !== WORKER), 'scripts/embed-worker.mjs'].map(changed),
  )
  if (changed(WORKER) >= newest) return
  // Renamed into place: tests and builds may run side by side.
  const written = join(root, `${WORKER}.${process.pid}`)
  const literal = JSON.stringify(await bundledWorker())
  writeFileSync(
    written,
    `// Made by scripts/embed-worker.mjs.\nexport const WORKER_SOURCE: string = ${literal}\n`,
  )
  renameSync(written, join(root, WORKER))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

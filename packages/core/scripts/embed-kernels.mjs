// Compiles assembly/ to WebAssembly and the worker's program to one script, and embeds both as strings in src/kernels/:
// the package then needs no file beside its JavaScript. Does nothing where both are newer than what they are made from.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const WASM = 'src/kernels/wasm.generated.ts'
const WORKER = 'src/kernels/worker-source.generated.ts'

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
const files = (folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)
const sources = [...files('assembly'), ...files('src/kernels'), 'scripts/embed-kernels.mjs']
const newest = Math.max(...sources.filter((path) => !path.includes('.generated.')).map(changed))

function embed(path, name, text) {
  const literal = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
  // Renamed into place: tests and builds may run side by side.
  const written = join(root, `${path}.${process.pid}`)
  writeFileSync(written, `// Made by scripts/embed-kernels.mjs.\nexport const ${name}: string = ${literal}\n`)
  renameSync(written, join(root, path))
}

async function compiledKernels() {
  let binary
  const options = ['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd']
  // The one warning left out is about vectors as arguments, which concerns only exported functions.
  options.push('--initialMemory', '1', '--disableWarning', '112')
  const { error, stderr } = await asc.main(
    ['assembly/index.ts', '--baseDir', root, '--outFile', 'kernels.wasm', ...options],
    {
      writeFile: (_, contents) => {
        binary = contents
      },
    },
  )
  const messages = stderr.toString()
  if (error || messages) throw new Error(messages, { cause: error })
  return Buffer.from(binary).toString('base64')
}

async function bundledWorker() {
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-'))
  const entry = { worker: join(root, 'src/kernels/worker.ts') }
  await build({
    entry,
    outDir: folder,
    format: 'iife',
    minify: true,
    target: 'es2022',
    config: false,
    silent: true,
  })
  const source = readFileSync(join(folder, 'worker.global.js'), 'utf8')
  rmSync(folder, { recursive: true })
  return source.trim()
}

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  if (Math.min(changed(WASM), changed(WORKER)) >= newest) return
  embed(WASM, 'WASM_BASE64', await compiledKernels())
  embed(WORKER, 'WORKER_SOURCE', await bundledWorker())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

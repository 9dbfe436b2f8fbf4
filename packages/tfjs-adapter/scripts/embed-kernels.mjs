// Compiles assembly/ to WebAssembly and the worker threads' program to one script, and embeds both as strings in
// src/kernels/: the package then needs no file beside its JavaScript. Does nothing where both are newer than their sources.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const WASM = 'src/kernels/wasm-module.generated.ts'
const THREAD = 'src/kernels/thread-source.generated.ts'

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
const sources = [
  ...readdirSync(join(root, 'assembly')).map((name) => `assembly/${name}`),
  'src/kernels/thread-program.ts',
  'src/kernels/shares.ts',
  'scripts/embed-kernels.mjs',
]

function embed(path, texts) {
  const declarations = Object.entries(texts).map(([name, text]) => {
    const literal = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
    return `export const ${name}: string = ${literal}\n`
  })
  // Renamed into place: tests and builds may run side by side.
  const written = join(root, `${path}.${process.pid}`)
  writeFileSync(written, ['// Made by scripts/embed-kernels.mjs.\n', ...declarations].join(''))
  renameSync(written, join(root, path))
}

async function compiledKernels(features) {
  let binary
  const options = [
    // The memory is TF.js' own, whose maximum is 4 GiB.
    '--outFile kernels.wasm --importMemory --maximumMemory 65536 --runtime stub --noAssert -O3',
    // No module exports its functions of vectors (which are inlined): that embeddings cannot call them is no matter.
    '--disableWarning 112',
    features.map((feature) => `--enable ${feature}`).join(' '),
  ].join(' ')
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', root, ...options.split(' ')], {
    writeFile: (_, contents) => {
      binary = contents
    },
  })
  const messages = stderr.toString()
  if (error || messages) throw new Error(messages, { cause: error })
  return Buffer.from(binary).toString('base64')
}

async function bundledThread() {
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-'))
  const entry = { thread: join(root, 'src/kernels/thread-program.ts') }
  await build({
    entry,
    outDir: folder,
    format: 'iife',
    minify: true,
    target: 'es2022',
    config: false,
    silent: true,
  })
  const source = readFileSync(join(folder, 'thread.global.js'), 'utf8')
  rmSync(folder, { recursive: true })
  return source.trim()
}

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  if (Math.min(changed(WASM), changed(THREAD)) >= Math.max(...sources.map(changed))) return
  embed(WASM, {
    SIMD_BASE64: await compiledKernels(['simd']),
    RELAXED_SIMD_BASE64: await compiledKernels(['simd', 'relaxed-simd']),
  })
  embed(THREAD, { THREAD_SOURCE: await bundledThread() })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

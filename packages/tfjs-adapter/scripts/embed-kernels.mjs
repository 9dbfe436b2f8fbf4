// Compiles assembly/ to WebAssembly and embeds it as a string in src/kernels/: the package then needs no file beside its
// JavaScript. Does nothing where that is newer than what it is made from.
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const TARGET = 'src/kernels/wasm-module.generated.ts'

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
const sources = [
  ...readdirSync(join(root, 'assembly')).map((name) => `assembly/${name}`),
  'scripts/embed-kernels.mjs',
]

async function compiledKernels() {
  let binary
  // The memory is TF.js' own.
  const options =
    '--outFile kernels.wasm --importMemory --runtime stub --enable simd --noAssert -O3 --converge'
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', root, ...options.split(' ')], {
    writeFile: (_, contents) => {
      binary = contents
    },
  })
  const messages = stderr.toString()
  if (error || messages) throw new Error(messages, { cause: error })
  return Buffer.from(binary).toString('base64')
}

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  if (changed(TARGET) >= Math.max(...sources.map(changed))) return
  const module = await compiledKernels()
  writeFileSync(
    join(root, TARGET),
    `// Made by scripts/embed-kernels.mjs.\nexport const WASM_BASE64: string = '${module}'\n`,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

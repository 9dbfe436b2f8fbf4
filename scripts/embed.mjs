// What packages embed as strings, so that they need no file beside their JavaScript: WebAssembly and the programs of workers.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { build } from 'tsup'

const self = fileURLToPath(import.meta.url)

/**
 * Writes `file`, a module that exports strings, unless it is newer than all that it is made from.
 *
 * @param sources files and folders; generated files in them do not count
 * @param texts gives the strings by name
 */
export async function embed(file, sources, texts) {
  const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const inside = (path) =>
    statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path]
  const paths = [self, ...sources.flatMap(inside)].filter((path) => !path.includes('.generated.'))
  if (changed(file) >= Math.max(...paths.map(changed))) return
  const declarations = Object.entries(await texts()).map(
    ([name, text]) => `export const ${name}: string = ${JSON.stringify(text)}\n`,
  )
  // Renamed into place: tests and builds may run side by side.
  const written = `${file}.${process.pid}`
  writeFileSync(written, ['// Made by scripts/embed.mjs.\n', ...declarations].join(''))
  renameSync(written, file)
}

/** `assembly/index.ts` of a package as WebAssembly, in base64. Throws on any error or warning. */
export async function compiledAssembly(root, options) {
  let binary
  // The warning that is left out is about vectors as arguments: it concerns exported functions, which have none.
  const all = `${options} --outFile kernels.wasm --runtime stub --noAssert -O3 --disableWarning 112`
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', root, ...all.split(' ')], {
    writeFile: (_, contents) => {
      binary = contents
    },
  })
  const messages = stderr.toString()
  if (error || messages) throw new Error(messages, { cause: error })
  return Buffer.from(binary).toString('base64')
}

/** A worker's program with all that it imports, as one script. */
export async function bundledScript(entry, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-'))
  try {
    await build({
      entry: { script: entry },
      outDir: folder,
      format: 'iife',
      minify: true,
      target: 'es2022',
      config: false,
      silent: true,
      ...options,
    })
    return readFileSync(join(folder, 'script.global.js'), 'utf8').trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

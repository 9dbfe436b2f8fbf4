// Compiles index.ts and embeds the module in a TypeScript file, so that no bundler has to find a .wasm file.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { error, binary } = await compile()
if (error) throw error
writeFileSync(
  here('../src/kernels/wasm-module.generated.ts'),
  `// Compiled from assembly/index.ts by assembly/build.mjs.
/** The module's bytes in base64. */
export const wasmModule: string = '${Buffer.from(binary).toString('base64')}'
`,
)

async function compile() {
  let binary
  const options =
    '--outFile kernels.wasm --enable simd --importMemory --runtime stub --noAssert -O3 --converge'
  const { error, stderr } = await asc.main(['index.ts', ...options.split(' ')], {
    readFile: (name) => (existsSync(here(name)) ? readFileSync(here(name), 'utf8') : null),
    writeFile: (_name, contents) => {
      binary = contents
    },
    listFiles: () => [],
  })
  if (error) process.stderr.write(stderr.toString())
  return { error, binary }
}

// Embeds assembly/, compiled to WebAssembly with and without relaxed SIMD, and the threads' program in src/wasm/.
import { fileURLToPath } from 'node:url'
import { bundledScript, compiledAssembly, embed } from '../../../scripts/embed.mjs'

const self = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const wasm = `${root}src/wasm`
// The memory is TF.js' own, whose maximum is 4 GiB.
const OPTIONS = '--importMemory --maximumMemory 65536 --enable simd'

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  await embed(`${wasm}/wasm-module.generated.ts`, [self, `${root}assembly`], async () => ({
    SIMD_BASE64: await compiledAssembly(root, OPTIONS),
    RELAXED_SIMD_BASE64: await compiledAssembly(root, `${OPTIONS} --enable relaxed-simd`),
  }))
  await embed(`${wasm}/thread-source.generated.ts`, [wasm], async () => ({
    THREAD_SOURCE: await bundledScript(`${wasm}/thread-program.ts`),
  }))
}

if (process.argv[1] === self) await setup()

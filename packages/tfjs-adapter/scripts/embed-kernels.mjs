// Embeds assembly/, compiled to WebAssembly with and without relaxed SIMD, and the threads' program in src/kernels/.
import { fileURLToPath } from 'node:url'
import { bundledScript, compiledAssembly, embed } from '../../../scripts/embed.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const kernels = `${root}src/kernels`
// The memory is TF.js' own, whose maximum is 4 GiB.
const OPTIONS = '--importMemory --maximumMemory 65536 --enable simd'

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  await embed(`${kernels}/wasm-module.generated.ts`, [`${root}assembly`], async () => ({
    SIMD_BASE64: await compiledAssembly(root, OPTIONS),
    RELAXED_SIMD_BASE64: await compiledAssembly(root, `${OPTIONS} --enable relaxed-simd`),
  }))
  await embed(`${kernels}/thread-source.generated.ts`, [kernels], async () => ({
    THREAD_SOURCE: await bundledScript(`${kernels}/thread-program.ts`),
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

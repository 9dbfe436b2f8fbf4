// Embeds assembly/, compiled to WebAssembly, and the worker's program in src/kernels/.
import { fileURLToPath } from 'node:url'
import { bundledScript, compiledAssembly, embed } from '../../../scripts/embed.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const kernels = `${root}src/kernels`

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  await embed(`${kernels}/wasm.generated.ts`, [`${root}assembly`], async () => ({
    WASM_BASE64: await compiledAssembly(root, '--enable simd --initialMemory 1'),
  }))
  await embed(`${kernels}/worker-source.generated.ts`, [kernels], async () => ({
    WORKER_SOURCE: await bundledScript(`${kernels}/worker.ts`),
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

// Embeds the program of the worker that runs ONNX Runtime.
import { fileURLToPath } from 'node:url'
import { bundledScript, embed } from '../../../scripts/embed.mjs'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  const parts = ['devices/runtime-of.ts', 'node.ts', 'session', 'worker'].map((path) => `${source}/${path}`)
  await embed(`${source}/worker/worker-source.generated.ts`, parts, async () => ({
    WORKER_SOURCE: await bundledScript(`${source}/worker/worker.ts`),
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

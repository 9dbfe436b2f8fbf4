// Embeds the program of the worker that augments cases.
import { fileURLToPath } from 'node:url'
import { bundledScript, embed } from '../../../scripts/embed.mjs'

const augmentation = fileURLToPath(new URL('../src/augmentation', import.meta.url))

/** Under the name that vitest's globalSetup calls. */
export async function setup() {
  await embed(`${augmentation}/worker-source.generated.ts`, [augmentation], async () => ({
    WORKER_SOURCE: await bundledScript(`${augmentation}/worker.ts`, { platform: 'node' }),
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()

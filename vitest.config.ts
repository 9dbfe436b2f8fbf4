import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`./packages/${path}`, import.meta.url))

// Tests run on the sources: a change is seen without a build, and stack traces point at the code.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@stochseg\/([a-z-]+)$/, replacement: `${source('')}$1/src/index.ts` },
      { find: /^@stochseg\/([a-z-]+)\/([a-z-]+)$/, replacement: `${source('')}$1/src/$2/index.ts` },
    ],
  },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'examples/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    globalSetup: [
      'packages/core/scripts/embed-kernels.mjs',
      'packages/onnx-adapter/scripts/embed-worker.mjs',
      'packages/tfjs-adapter/scripts/embed-kernels.mjs',
      'packages/data/scripts/embed-worker.mjs',
    ],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})

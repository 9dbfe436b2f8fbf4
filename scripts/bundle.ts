// A program and all of stochseg's sources that it needs as one module: for tests in another process, or in a browser.
import { mkdirSync, mkdtempSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const PACKAGES = ['backbones', 'core', 'data', 'onnx-adapter', 'tfjs-adapter']

/**
 * Bundles a TypeScript file; what it imports from elsewhere stays imported, but for TF.js where `withTfjs` says so: in a
 * browser's worker, which has no import map. Gives the module's path, within the repository.
 */
export async function bundle(
  entry: string,
  { withTfjs = false }: { readonly withTfjs?: boolean } = {},
): Promise<string> {
  // Below node_modules, so that bare imports find what is installed.
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'stochseg-'))
  const name = basename(entry, '.ts')
  await build({
    entry: { [name]: entry },
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'es2022',
    platform: withTfjs ? 'browser' : 'neutral',
    noExternal: [/^@stochseg\//, ...(withTfjs ? [/^@tensorflow\//] : [])],
    external: [/^onnxruntime-/, ...(withTfjs ? [] : [/^@tensorflow\//]), 'webgpu', /^node:/],
    esbuildOptions(options) {
      options.alias = Object.fromEntries(
        PACKAGES.map((name) => [`@stochseg/${name}`, join(root, 'packages', name, 'src/index.ts')]),
      )
    },
    config: false,
    silent: true,
  })
  return join(folder, `${name}.mjs`)
}

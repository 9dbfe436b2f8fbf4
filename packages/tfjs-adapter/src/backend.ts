// Loading TensorFlow.js and one of its backends when asked for. Nothing else in this package loads them by itself:
// every other module imports TF.js statically and is reached only through a dynamic import after `openBackend`.
import { RuntimeUnavailableError } from '@stochseg/core'
import { loadTensorflow } from './tensorflow-backend'

/** Version of every `@tensorflow/*` package that this adapter is built and checked against. */
const VERSION = '4.22.0'

/** How a TF.js backend is chosen. */
export interface BackendOptions {
  /**
   * `wasm` unless given; `tensorflow` is tfjs-node or tfjs-node-gpu. Those other than wasm, tensorflow and cpu have to be
   * imported by the caller beforehand.
   */
  readonly backend?: string
  /** Folder or URL (with a final slash) of the wasm backend's binaries; in Node the installed package's own. */
  readonly wasmPath?: string
}

/**
 * Loads TF.js, makes the backend the current one and gives a description for the log, e.g. `tfjs wasm (SIMD)`.
 *
 * Throws {@link RuntimeUnavailableError} when a package is missing or the backend does not start.
 */
export async function openBackend(options: BackendOptions = {}): Promise<string> {
  const name = options.backend ?? 'wasm'
  const tf = await load('@tensorflow/tfjs-core', () => import('@tensorflow/tfjs-core'), name)
  await load('@tensorflow/tfjs-layers', () => import('@tensorflow/tfjs-layers'), name)
  if (name === 'wasm') {
    const wasm = await load(
      '@tensorflow/tfjs-backend-wasm',
      () => import('@tensorflow/tfjs-backend-wasm'),
      name,
    )
    const folder = options.wasmPath ?? (await installedWasmFolder())
    // Setting the path of a backend that already runs is an error in TF.js.
    if (folder !== undefined && tf.getBackend() !== 'wasm') wasm.setWasmPaths(folder)
  } else if (name === 'cpu') {
    await load('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'), name)
  } else if (name === 'tensorflow') {
    await loadTensorflow(tf)
  }

  const started = await tf.setBackend(name).catch(() => false)
  if (!started) {
    throw new RuntimeUnavailableError(`TF.js backend '${name}'`, {
      found: `a backend that is not registered or does not start (registered: ${Object.keys(tf.engine().registryFactory).join(', ') || 'none'})`,
      expected: 'a backend that works here',
      remedy: "Use 'wasm', or import the backend's package before",
    })
  }
  const simd = name === 'wasm' && (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))
  return `tfjs ${name}${simd ? ' (SIMD)' : ''}`
}

async function load<T>(packageName: string, importer: () => Promise<T>, backend: string): Promise<T> {
  try {
    return await importer()
  } catch (cause) {
    const packages = ['tfjs-core', 'tfjs-layers', `tfjs-backend-${backend}`]
    throw new RuntimeUnavailableError(packageName, {
      found: 'a package that cannot be loaded',
      expected: `version ${VERSION}`,
      remedy: `Run: npm install ${packages.map((name) => `@tensorflow/${name}@${VERSION}`).join(' ')}`,
      cause,
    })
  }
}

/** In Node, the folder of the installed package's `.wasm` files; elsewhere undefined. */
async function installedWasmFolder(): Promise<string | undefined> {
  if (typeof process === 'undefined' || !process.versions?.node) return undefined
  const [{ createRequire }, { dirname }] = await Promise.all([import('node:module'), import('node:path')])
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  return `${dirname(manifest)}/dist/`
}

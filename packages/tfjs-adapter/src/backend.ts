// Loading TensorFlow.js and one of its backends when asked for. Nothing else in this package loads them by itself:
// every other module imports TF.js statically and is reached only through a dynamic import after `openBackend`.
import { RuntimeUnavailableError } from '@stochseg/core'
import { canShareMemory, sharedWasmPaths } from './kernels/shared-backend'
import { setThreadCount, threadCount } from './kernels/thread-count'
import { loadTensorflow } from './tensorflow/load-tensorflow'
import { provideWebgpu } from './webgpu/start-webgpu'

/** Version of every `@tensorflow/*` package that this adapter is built and checked against. */
const VERSION = '4.22.0'

const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined

/** How a TF.js backend is chosen. */
export interface BackendOptions {
  /**
   * `wasm` unless given; `tensorflow` is tfjs-node or tfjs-node-gpu; `webgpu` is the browser's, or Dawn's in Node (package
   * `webgpu`). Those other than wasm, tensorflow, webgpu and cpu have to be imported by the caller beforehand.
   */
  readonly backend?: string
  /** Folder or URL (with a final slash) of the wasm backend's binaries; in Node the installed package's own. */
  readonly wasmPath?: string
  /**
   * Threads of the training kernels on wasm, the calling one included; as many as there are cores unless given. In browsers
   * they need a page that is cross-origin isolated. It takes effect where the backend is started by this call.
   */
  readonly threads?: number
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
  let adapter: string | undefined
  if (name === 'wasm') {
    const wasm = await load(
      '@tensorflow/tfjs-backend-wasm',
      () => import('@tensorflow/tfjs-backend-wasm'),
      name,
    )
    if (options.threads !== undefined) setThreadCount(options.threads)
    const folder = options.wasmPath ?? (await installedWasmFolder())
    // Setting the path of a backend that already runs is an error in TF.js.
    if (folder !== undefined && tf.getBackend() !== 'wasm') {
      const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
      if (isNode && simd && threadCount() > 1 && canShareMemory()) {
        wasm.setWasmPaths(await sharedWasmPaths(folder), true)
      } else wasm.setWasmPaths(folder)
    }
  } else if (name === 'cpu') {
    await load('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'), name)
  } else if (name === 'tensorflow') {
    await loadTensorflow(tf)
  } else if (name === 'webgpu') {
    // TF.js' package looks for WebGPU as it is imported.
    adapter = await provideWebgpu()
    await load('@tensorflow/tfjs-backend-webgpu', () => import('@tensorflow/tfjs-backend-webgpu'), name)
  }

  const started = await tf.setBackend(name).catch(() => false)
  if (!started) {
    throw new RuntimeUnavailableError(`TF.js backend '${name}'`, {
      found: `a backend that is not registered or does not start (registered: ${Object.keys(tf.engine().registryFactory).join(', ') || 'none'})`,
      expected: 'a backend that works here',
      remedy: "Use 'wasm', or import the backend's package before",
    })
  }
  if (adapter !== undefined) {
    const { prepareWebgpu } = await import('./webgpu/install')
    prepareWebgpu()
    return `tfjs webgpu (${adapter})`
  }
  return `tfjs ${name}${name === 'wasm' ? await wasmFeatures(tf) : ''}`
}

/** e.g. ` (SIMD, 2 threads)`. */
async function wasmFeatures(tf: typeof import('@tensorflow/tfjs-core')): Promise<string> {
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) return ''
  const { wasm } = tf.backend() as { wasm?: { HEAPU8?: Uint8Array } }
  const shared = typeof SharedArrayBuffer !== 'undefined' && wasm?.HEAPU8?.buffer instanceof SharedArrayBuffer
  return shared ? ` (SIMD, ${threadCount()} threads)` : ' (SIMD)'
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
  if (!isNode) return undefined
  const [{ createRequire }, { dirname }] = await Promise.all([import('node:module'), import('node:path')])
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  return `${dirname(manifest)}/dist/`
}

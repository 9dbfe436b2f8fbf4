// Loading TensorFlow.js and one of its backends when asked for. Nothing else in this package loads them by itself:
// every other module imports TF.js statically and is reached only through a dynamic import after `openBackend`.
import { RuntimeUnavailableError } from '@stochseg/core'
import { backendsToTry, firstThatWorks } from './choose-backend'
import { node } from './node'
import { notLoaded } from './not-loaded'
import { loadTensorflow } from './tensorflow/load-tensorflow'
import { nativeKernels, type WasmBackend } from './wasm/native'
import { setThreadCount, threadCount } from './wasm/thread-count'
import { canShareMemory, PROVIDE_BINARIES, wasmPaths } from './wasm/wasm-binary'
import { provideWebgpu } from './webgpu/start-webgpu'

/** Version of every `@tensorflow/*` package that this adapter is built and checked against. */
const VERSION = '4.22.0'

/** How a TF.js backend is chosen. */
export interface BackendOptions {
  /**
   * `wasm` unless given; `tensorflow` is tfjs-node or tfjs-node-gpu; `webgpu` is the browser's, or Dawn's in Node (package
   * `webgpu`); `auto` is the first that works of `tensorflow` (in Node), `webgpu` (on a GPU, not in software) and `wasm`. Those
   * other than these and cpu have to be imported by the caller beforehand.
   */
  readonly backend?: string
  /**
   * Folder or URL of the wasm backend's binaries. In Node the installed package's own unless given; in browsers, where TF.js by
   * itself looks for them beside the page, threads need it.
   */
  readonly wasmPath?: string
  /**
   * Threads of the training kernels on wasm, the calling one included; as many as there are cores unless given. In browsers
   * they need a page that is cross-origin isolated. It takes effect where the backend is started by this call.
   */
  readonly threads?: number
}

/** A backend that was started and is TF.js' current one. */
export interface OpenBackend {
  readonly backend: string
  /** For the log, e.g. `tfjs wasm (SIMD, 2 threads); not tensorflow: …`. */
  readonly description: string
}

/**
 * Loads TF.js, makes the backend the current one, with our kernels in the place of what it lacks or has wrong, and describes it;
 * for `auto`, the first that works.
 *
 * Throws {@link RuntimeUnavailableError} when a package is missing or the backend does not start.
 */
export function openBackend(options: BackendOptions = {}): Promise<OpenBackend> {
  return onBackend(options, async (opened) => opened)
}

/** What was last begun. TF.js has one current backend, and does not start one twice at a time: each waits for the one before. */
let last: Promise<unknown> = Promise.resolve()

/** What `use` gives on the backend; for `auto`, on the first on which it does not throw {@link RuntimeUnavailableError} either. */
export function onBackend<Result>(
  options: BackendOptions,
  use: (opened: OpenBackend) => Promise<Result>,
): Promise<Result> {
  const open = async (backend: string, remarks: string): Promise<Result> => {
    const description = await startBackend(backend, options)
    const { registerMissingGradients } = await import('./operations/missing-gradients')
    registerMissingGradients()
    return use({ backend, description: `tfjs ${description}${remarks}` })
  }
  const result = last.then(() => firstThatWorks(backendsToTry(options.backend), open))
  last = result.catch(() => {})
  return result
}

/** Gives a description, e.g. `wasm (SIMD)`. */
async function startBackend(name: string, options: BackendOptions): Promise<string> {
  const tf = await load('@tensorflow/tfjs-core', () => import('@tensorflow/tfjs-core'), name)
  await load('@tensorflow/tfjs-layers', () => import('@tensorflow/tfjs-layers'), name)
  if (name === 'wasm') return startWasm(tf, options)
  if (name === 'cpu') {
    await importCpu()
    const { installCpuKernels } = await import('./cpu/install')
    installCpuKernels()
  } else if (name === 'tensorflow') {
    await loadTensorflow(tf)
  } else if (name === 'webgpu') {
    return startWebgpu(tf, options)
  }
  await makeCurrent(tf, name, "Use 'wasm'")
  return name
}

async function startWasm(tf: Tfjs, options: BackendOptions): Promise<string> {
  const wasm = await importWasm()
  if (options.threads !== undefined) setThreadCount(options.threads)
  const folder = options.wasmPath ?? installedWasmFolder()
  const runs = tf.engine().registry.wasm !== undefined
  if (folder !== undefined && !runs) {
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
    const shared = simd === true && threadCount() > 1 && canShareMemory()
    // Its own threads would need another binary.
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
    const paths = await wasmPaths(folder, { simd: simd === true, shared })
    try {
      wasm.setWasmPaths(paths, true)
    } catch (cause) {
      throw notStarted('wasm', `a start before this one that failed (${reasonOf(cause)})`, AGAIN, cause)
    }
  }
  await makeCurrent(tf, 'wasm', `${PROVIDE_BINARIES}. ${AGAIN}`)
  const { installKernels } = await import('./wasm/install')
  installKernels()
  const kernels = nativeKernels(tf.backend() as WasmBackend)
  if (!kernels) return 'wasm'
  const { feature, threads } = kernels
  if (threads === 1) return `wasm (${feature})`
  const started = await kernels.started
  return `wasm (${feature}, ${started === threads ? threads : `${started} of ${threads}`} threads)`
}

async function startWebgpu(tf: Tfjs, { backend }: BackendOptions): Promise<string> {
  // TF.js' package looks for WebGPU as it is imported.
  const { adapter, software } = await provideWebgpu()
  if (software && backend === 'auto') {
    throw new RuntimeUnavailableError('WebGPU', {
      found: `no GPU but software, ${adapter}`,
      expected: "a GPU, for 'auto': software is slower than 'wasm'",
      remedy: "Choose 'webgpu' by its name to train on it all the same",
    })
  }
  await importWebgpu()
  await makeCurrent(tf, 'webgpu', "Use 'wasm'")
  const { prepareWebgpu } = await import('./webgpu/install')
  prepareWebgpu()
  return `webgpu (${adapter}${software ? ', software' : ''})`
}

type Tfjs = typeof import('@tensorflow/tfjs-core')

const AGAIN = `${node ? 'Start the program anew' : 'Load the page again'}: TF.js tries only once`

/** Starts a backend, unless it runs, and makes it TF.js' current one. */
async function makeCurrent(tf: Tfjs, name: string, remedy: string): Promise<void> {
  const { registryFactory } = tf.engine()
  const entry = registryFactory[name]
  if (!entry) {
    const registered = Object.keys(registryFactory).join(', ') || 'none'
    const again = `one that was removed (tf.removeBackend) is there again ${node ? 'in a new process' : 'when the page is loaded anew'}`
    const unknown = `Choose a backend that is registered, or import its package before; ${again}`
    throw notStarted(name, `a backend that is not registered (registered: ${registered})`, unknown)
  }
  const { factory } = entry
  let cause: unknown
  // TF.js logs why a backend does not start, and tells its caller nothing of it.
  entry.factory = async () => {
    try {
      return await factory()
    } catch (error) {
      cause = error
      throw error
    }
  }
  try {
    if (await tf.setBackend(name)) return
  } finally {
    entry.factory = factory
  }
  throw notStarted(name, `a backend that does not start (${reasonOf(cause)})`, remedy, cause)
}

function notStarted(name: string, found: string, remedy: string, cause?: unknown): RuntimeUnavailableError {
  const expected = 'a backend that works here'
  return new RuntimeUnavailableError(`TF.js backend '${name}'`, { found, expected, remedy, cause })
}

/** What TF.js rejects with is not always an Error. */
function reasonOf(cause: unknown): string {
  return (cause as Error | undefined)?.message || String(cause)
}

async function load<T>(packageName: string, importer: () => Promise<T>, backend: string): Promise<T> {
  try {
    return await importer()
  } catch (cause) {
    throw packageError(packageName, backend, cause)
  }
}

// Bundlers let an optional package be missing where `await import` of its name stands in a `try`, and nowhere else.

async function importCpu(): Promise<unknown> {
  try {
    return await import('@tensorflow/tfjs-backend-cpu')
  } catch (cause) {
    throw packageError('@tensorflow/tfjs-backend-cpu', 'cpu', cause)
  }
}

async function importWasm(): Promise<typeof import('@tensorflow/tfjs-backend-wasm')> {
  try {
    return await import('@tensorflow/tfjs-backend-wasm')
  } catch (cause) {
    throw packageError('@tensorflow/tfjs-backend-wasm', 'wasm', cause)
  }
}

async function importWebgpu(): Promise<unknown> {
  try {
    return await import('@tensorflow/tfjs-backend-webgpu')
  } catch (cause) {
    throw packageError('@tensorflow/tfjs-backend-webgpu', 'webgpu', cause)
  }
}

function packageError(packageName: string, backend: string, cause: unknown): RuntimeUnavailableError {
  const own = backend === 'tensorflow' ? 'tfjs-node' : `tfjs-backend-${backend}`
  const packages = ['tfjs-core', 'tfjs-layers', own]
  return new RuntimeUnavailableError(`package '${packageName}'`, {
    found: notLoaded(packageName, cause),
    expected: `version ${VERSION}`,
    remedy: `Run: npm install ${packages.map((name) => `@tensorflow/${name}@${VERSION}`).join(' ')}`,
    cause,
  })
}

/** In Node, the folder of the installed package's `.wasm` files; elsewhere undefined. */
function installedWasmFolder(): string | undefined {
  if (!node) return undefined
  const [{ createRequire }, { dirname }] = [node('node:module'), node('node:path')]
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  return `${dirname(manifest)}/dist/`
}

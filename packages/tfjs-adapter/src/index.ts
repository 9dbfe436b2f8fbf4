// The public face of @stochseg/tfjs-adapter. Importing it loads nothing of TF.js: each function does when called.
import type { OptimizerOptions, TrainingEngine } from '@stochseg/core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type BackendOptions, openBackend } from './backend'
import type { SpecNetwork } from './trainable-network'

export type { BackendOptions } from './backend'

/** What an engine is made from: a network and its optimiser. */
export interface EngineOptions extends SpecNetwork {
  /** Adam (β 0.9 and 0.999, epsilon 1e-8) unless given. */
  readonly optimizer?: OptimizerOptions | undefined
}

/**
 * A training engine on a TF.js backend (`wasm` unless told).
 *
 * On wasm, the training kernels are installed. Before it returns, the gradients of every operation that this network
 * and its loss use are checked against finite differences.
 *
 * Throws `RuntimeUnavailableError` where TF.js or the backend is missing or a gradient is wrong, and `ModelError` for
 * weights that do not fit.
 */
export async function createTfjsEngine(options: EngineOptions & BackendOptions): Promise<TrainingEngine> {
  const name = await openBackend(options)
  const [{ TfjsEngine }, { specNetwork }, { gradientSelfTest }, { installKernels }] = await Promise.all([
    import('./engine'),
    import('./trainable-network'),
    import('./gradient-self-test'),
    import('./kernels/install'),
  ])
  if (isWasm(options)) installKernels()
  await gradientSelfTest(options.spec, options.head)
  return new TfjsEngine(name, specNetwork(options), options.optimizer)
}

/**
 * A network as a TF.js layers model of channels-last images `[N, *S, channels]`, for `predict` and `save` by its user.
 *
 * Its outputs are `head.mean` `[N, *S, C]` and, by the head's kind, `head.logDiagonal` `[N, *S, C]` and `head.factor`
 * `[N, *S, C·R]` (channel c·R + r). Throws `ModelError` for weights that do not fit.
 */
export async function buildLayersModel(options: SpecNetwork & BackendOptions): Promise<LayersModel> {
  await openBackend(options)
  const { buildModel } = await import('./build')
  return buildModel(options.spec, options.head, options.weights)
}

/**
 * Replaces the kernels of TF.js' wasm backend that training needs and that are missing, wrong or slow: 3×3 convolutions,
 * gradients of convolutions and max pools, leading sums, channel splits. Loads the backend; calling it again changes nothing.
 */
export async function installWasmTrainingKernels(options: BackendOptions = {}): Promise<void> {
  await openBackend({ ...options, backend: 'wasm' })
  const { installKernels } = await import('./kernels/install')
  installKernels()
}

function isWasm({ backend = 'wasm' }: BackendOptions): boolean {
  return backend === 'wasm'
}

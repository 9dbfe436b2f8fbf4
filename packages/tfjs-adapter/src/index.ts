// The public face of @stochseg/tfjs-adapter. Importing it loads nothing of TF.js: each function does when called.
import type { OptimizerOptions, TrainingEngine } from '@stochseg/core'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type BackendOptions, onBackend, openBackend } from './backend'
import type { MatrixOptions, OperationReport } from './backend-matrix'
import type { SpecNetwork, TrainableNetwork } from './trainable-network'
import type { WrapFunctionOptions } from './wrap/wrap-function'
import type { WrapOptions, WrappedModel } from './wrap/wrap-model'

export type { BackendOptions } from './backend'
export type { MatrixOptions, OperationReport } from './backend-matrix'
export { modelFolder } from './io/model-folder'
export type { SpecNetwork, TrainableNetwork } from './trainable-network'
export { installWasmTrainingKernels } from './wasm-training-kernels'
export type { WrapFunctionOptions } from './wrap/wrap-function'
export type { WrapOptions, WrappedModel } from './wrap/wrap-model'

/** What an engine is made from: a spec with its head and weights, or a wrapped network, and its optimiser. */
export type EngineOptions = (SpecNetwork | { readonly network: TrainableNetwork }) & {
  /** Adam (β 0.9 and 0.999, epsilon 1e-8) unless given. */
  readonly optimizer?: OptimizerOptions | undefined
}

/**
 * A training engine on a TF.js backend (`wasm` unless told).
 *
 * What TF.js lacks there or has wrong is replaced. Before it returns, the gradients of every operation that this network
 * and its loss use are checked against finite differences: `auto` passes over a backend that fails.
 *
 * Throws `RuntimeUnavailableError` where TF.js or the backend is missing or a gradient is wrong, and `ModelError` for
 * weights that do not fit.
 */
export async function createTfjsEngine(options: EngineOptions & BackendOptions): Promise<TrainingEngine> {
  return onBackend(options, async ({ backend, description }) => {
    const [{ TfjsEngine }, { specNetwork }] = await Promise.all([
      import('./engine'),
      import('./trainable-network'),
    ])
    const placement = backend === 'webgpu' ? (await import('./webgpu/on-device')).onDevice : undefined
    const network = 'network' in options ? options.network : specNetwork(options)
    try {
      await network.checkGradients(placement?.loss)
      return new TfjsEngine(description, network, options.optimizer, placement)
    } catch (error) {
      if (!('network' in options)) network.dispose()
      throw error
    }
  })
}

/**
 * Puts a stochastic head on a functional or sequential `tf.LayersModel`, 2D or 3D, channels last: cut at its last
 * convolution (through softmax, sigmoid, resizing) or behind a named layer; the old logits become the mean.
 *
 * The result's `model` is a layers model; train it by `createTfjsEngine({ network })`. Layers are shared with `model`, whose
 * weights move with the training unless `frozen`. Throws `ModelError` for a network that cannot be cut and says why.
 */
export async function wrap(model: LayersModel, options: WrapOptions): Promise<WrappedModel> {
  const { wrapModel } = await import('./wrap/wrap-model')
  return wrapModel(model, options)
}

/**
 * Puts a stochastic head on a function from images `[N, *S, channels]` to features `[N, *S / k, features]`, such as
 * `(images) => graphModel.execute(images, 'some/tensor')`. Only the head learns, and the `variables` that are named.
 */
export async function wrapFunction(
  features: (images: Tensor) => Tensor,
  options: WrapFunctionOptions,
): Promise<TrainableNetwork> {
  const module = await import('./wrap/wrap-function')
  return module.wrapFunction(features, options)
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

/** Makes the layers of {@link buildLayersModel} and {@link wrap} known to TF.js, so that `loadLayersModel` finds them. */
export async function registerLayers(): Promise<void> {
  const module = await import('./layers/register-layers')
  module.registerLayers()
}

/**
 * Tries every operation that a `NetworkSpec` can use on a backend: forward against a float64 interpreter, gradients against
 * finite differences. Seconds; on a GPU that is software, where each shader takes long to compile, up to a minute.
 *
 * Throws `RuntimeUnavailableError` for a backend that does not start, and the reason of the signal.
 */
export async function backendMatrix(
  options: BackendOptions & MatrixOptions = {},
): Promise<OperationReport[]> {
  await openBackend(options)
  const { operationReports } = await import('./backend-matrix')
  return operationReports(options)
}

// What passes between a segmenter and the worker that runs its model. A worker has one model.
import type { Outputs, SessionSettings } from '../session/onnx-session'
import type { ExitFlags } from './orderly-exit'

/** The first message: load this model. */
export interface CreateRequest {
  readonly kind: 'create'
  readonly model: Uint8Array
  readonly settings: SessionSettings
  /** In Node: which module to load, and what it shares with the thread that started it. */
  readonly inNode?: { readonly runtime: string; readonly flags: ExitFlags }
}

/** Run the model. */
export interface RunRequest {
  readonly kind: 'run'
  readonly image: Float32Array
  readonly shape: readonly number[]
}

/** Free the model. */
export interface ReleaseRequest {
  readonly kind: 'release'
}

export type WorkerRequest = CreateRequest | RunRequest | ReleaseRequest

/** The answer to the oldest request without one: workers answer in order. */
export type WorkerReply = { readonly outputs: Outputs } | { readonly error: string }

// The other side of the pool: a worker thread's whole program, embedded as a string (scripts/embed-worker.mjs).
import { parentPort } from 'node:worker_threads'
import { type CaseArrays, type Deformation, deform } from './deformation'

/** One case to deform; its arrays change hands. */
export interface WorkerRequest {
  readonly arrays: CaseArrays
  readonly deformation: Deformation
}

parentPort?.on('message', ({ arrays, deformation }: WorkerRequest) => {
  const deformed = deform(arrays, deformation)
  parentPort?.postMessage(deformed, buffersOf(deformed))
})

function buffersOf({ image, raters, roi }: CaseArrays): ArrayBuffer[] {
  return [image, raters, ...(roi ? [roi] : [])].map(({ buffer }) => buffer as ArrayBuffer)
}

// Test support, in Node, in a page, or as a page's worker: some steps on wasm, and which threads did the work.
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import type { BackendOptions } from '../backend'
import { createTfjsEngine } from '../index'
import { DONE } from '../wasm/shares'
import { mayWait } from '../wasm/threads'

/** What came of some steps. */
export interface WasmTraining {
  readonly name: string
  readonly losses: readonly number[]
  readonly mayWait: boolean
  /** Chunks of divided kernels that the calling thread did, and that others did. */
  readonly chunks: { readonly own: number; readonly others: number }
}

/** Four steps of a U-Net that is large enough for its kernels to be divided. */
export async function trainOnWasm(options: BackendOptions): Promise<WasmTraining> {
  const chunks = countChunks()
  const head = ssnHead({ classes: 2, rank: 2 })
  const spec = unet({ inputChannels: 1, widths: [16, 32] })
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.3 })
  const engine = await createTfjsEngine({ spec, head, weights, ...options })
  const images = standardNormals(2 * 64 * 64, { seed: 2 })
  const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
  const batch = { images, labels, batch: 2, channels: 1, spatial: [64, 64] }
  const losses: number[] = []
  for (let stream = 0; stream < 8; stream += 2) {
    const step = { learningRate: 1e-3, phase: 'all', samples: 6, seed: 0, stream } as const
    losses.push((await engine.step(batch, step)).loss)
  }
  engine.dispose()
  return { name: engine.name, losses, mayWait: mayWait(), chunks }
}

/** Watches the calling thread: it adds to what is done after each chunk of its own, and once all are done exchanges a flag. */
function countChunks(): { own: number; others: number } {
  const chunks = { own: 0, others: 0 }
  const { add, exchange } = Atomics
  let ownOfCall = 0
  Atomics.add = ((...args: Parameters<typeof add>) => {
    ownOfCall++
    return add(...args)
  }) as typeof add
  Atomics.exchange = ((...args: Parameters<typeof exchange>) => {
    chunks.own += ownOfCall
    chunks.others += Number(args[0][DONE]) - ownOfCall
    ownOfCall = 0
    return exchange(...args)
  }) as typeof exchange
  return chunks
}

/** In the page: the same in a worker, and how often the page had its turn meanwhile. */
export function trainInWorker(
  program: string,
  options: BackendOptions,
): Promise<WasmTraining & { turns: number }> {
  const worker = new Worker(program, { type: 'module' })
  return new Promise((resolve, reject) => {
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    worker.onmessage = ({ data }) => {
      clearInterval(timer)
      worker.terminate()
      if ('losses' in data) resolve({ ...data, turns })
      else reject(data)
    }
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(options)
  })
}

if ('WorkerGlobalScope' in globalThis) {
  globalThis.onmessage = ({ data }: MessageEvent<BackendOptions>) =>
    trainOnWasm(data).then(postMessage, (error: unknown) => postMessage(error))
}

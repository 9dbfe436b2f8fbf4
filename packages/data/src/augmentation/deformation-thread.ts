// One worker thread that deforms cases, in the order in which they come.
import { Worker } from 'node:worker_threads'
import type { CaseArrays, Deformation } from './deformation'
import { WORKER_SOURCE } from './worker-source.generated'

/** It keeps the process alive only while a case is in hand. */
export class DeformationThread {
  readonly #worker: Worker
  readonly #waiting: ((deformed: CaseArrays | undefined) => void)[] = []
  #lost = false

  /** `onLost` hears once why the thread ended, unless it was by {@link terminate}. Throws where threads are forbidden. */
  constructor(onLost: (cause: unknown) => void) {
    // Without the parent's flags: a loader given there would be loaded by every thread.
    this.#worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], name: 'stochseg augmentation' })
    this.#worker.unref()
    const lost = (cause: unknown): void => {
      if (!this.#lost) onLost(cause)
      this.terminate()
    }
    this.#worker.on('message', (deformed: CaseArrays) => this.#answer(deformed))
    this.#worker.on('error', lost)
    this.#worker.on('exit', (code) => lost(new Error(`a worker thread stopped with exit code ${code}`)))
  }

  /** Cases in hand. */
  get load(): number {
    return this.#waiting.length
  }

  /** Deforms copies of the arrays; undefined when the thread has ended, or ends before it is done. */
  deform(arrays: CaseArrays, deformation: Deformation): Promise<CaseArrays | undefined> {
    if (this.#lost) return Promise.resolve(undefined)
    const { image, raters, roi } = arrays
    // The data set may keep the arrays: what changes hands is a copy. (`slice` of a Node Buffer is none.)
    const copies = {
      image: new Float32Array(image),
      raters: new Uint8Array(raters),
      ...(roi && { roi: new Uint8Array(roi) }),
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#worker.ref()
      this.#worker.postMessage(
        { arrays: { ...arrays, ...copies }, deformation },
        Object.values(copies).map(({ buffer }) => buffer),
      )
    })
  }

  terminate(): void {
    this.#lost = true
    void this.#worker.terminate()
    while (this.#waiting.length > 0) this.#answer(undefined)
  }

  #answer(deformed: CaseArrays | undefined): void {
    this.#waiting.shift()?.(deformed)
    if (this.#waiting.length === 0) this.#worker.unref()
  }
}

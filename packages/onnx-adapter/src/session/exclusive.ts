// ONNX Runtime Web hangs when two calls overlap, whoever makes them: one queue for all copies of this package in a page.

const QUEUE = Symbol.for('stochseg.onnx-runtime')

/** Runs `work` after all that was given before it, whether that succeeded or not. */
export function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const realm = globalThis as { [QUEUE]?: Promise<unknown> }
  const result = (realm[QUEUE] ?? Promise.resolve()).then(work)
  realm[QUEUE] = result.catch(() => {})
  return result
}

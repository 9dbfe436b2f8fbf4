// A model's bytes, from wherever it lies.
import { DataError } from '@stochseg/core'
import { node } from './node'

/** The bytes of a file: a path in Node, a URL in browsers. Throws {@link DataError} where it cannot be read. */
export async function readModel(source: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    if (node) return await node('node:fs/promises').readFile(source, { signal })
    const response = await fetch(source, { signal: signal ?? null })
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    signal?.throwIfAborted()
    throw new DataError(`'${source}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'an ONNX file',
      remedy: node
        ? 'Check the path and its permissions'
        : 'Check the URL, and that its server allows this page',
      cause,
    })
  }
}

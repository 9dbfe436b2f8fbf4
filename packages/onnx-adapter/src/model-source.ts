// A model's bytes, from wherever it lies.
import { DataError } from '@stochseg/core'
import { node } from './node'
import type { ReadExternalFile } from './protobuf/external-data'

/** The bytes of a file: a path in Node, a URL in browsers. Throws {@link DataError} where it cannot be read. */
export async function readModel(source: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return readFile(source, 'an ONNX file', signal)
}

/** Reads the files that the model at `source` has its weights in, which lie beside it. Throws {@link DataError}. */
export function readerBeside(source: string, signal: AbortSignal | undefined): ReadExternalFile {
  return (location) => readFile(besideOf(source, location), 'weights of the model beside it', signal)
}

function besideOf(source: string, location: string): string {
  if (node) {
    const { dirname, join } = node('node:path')
    return join(dirname(source), location)
  }
  const folder = source.replace(/[^/]*([?#].*)?$/, '')
  return folder + location.split('/').map(encodeURIComponent).join('/')
}

async function readFile(
  source: string,
  expected: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    if (node) return await node('node:fs/promises').readFile(source, { signal })
    const response = await fetch(source, { signal: signal ?? null })
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    signal?.throwIfAborted()
    throw new DataError(`'${source}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected,
      remedy: node
        ? 'Check the path and its permissions'
        : 'Check the URL, and that its server allows this page',
      cause,
    })
  }
}

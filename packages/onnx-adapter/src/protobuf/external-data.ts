// Weights that lie in files beside the model, as PyTorch writes large ones: brought into the model itself.
import { DataError, ModelError } from '@stochseg/core'
import { readConstant } from './read-graph'
import { wireFields } from './wire-reader'
import { WireWriter } from './wire-writer'

/** Reads a file that a model names, by the path in the model, which is relative to it. */
export type ReadExternalFile = (location: string) => Promise<Uint8Array>

/**
 * The model with all weights inside; the same bytes where they are already.
 *
 * Throws {@link ModelError} where there are external files and no way to read them, or where they are too large for one
 * file, {@link DataError} for a file that is too short, and whatever `read` throws.
 */
export async function inlineExternalData(model: Uint8Array, read?: ReadExternalFile): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const location of externalFiles(model)) {
    if (!read) {
      throw new ModelError('ONNX file', {
        found: `weights in another file, '${location}'`,
        expected: 'all weights in the file, or a way to read the other',
        remedy: 'Give the path of the model, or externalData, a function that reads such files',
      })
    }
    files.set(location, await read(location))
  }
  if (files.size === 0) return model
  const writer = new WireWriter()
  for (const { number, value } of wireFields(model)) {
    if (number !== 7 || typeof value === 'bigint') writer.copy({ number, value })
    else writer.message(7, (graph) => inlineGraph(graph, value, files))
  }
  return writer.finish()
}

function externalFiles(model: Uint8Array): Set<string> {
  const graph = [...wireFields(model)].find(({ number }) => number === 7)?.value
  if (!(graph instanceof Uint8Array)) return new Set()
  const constants = [...wireFields(graph)].filter(({ number }) => number === 5)
  return new Set(constants.flatMap(({ value }) => readConstant(value as Uint8Array).externalFile ?? []))
}

function inlineGraph(writer: WireWriter, graph: Uint8Array, files: ReadonlyMap<string, Uint8Array>): void {
  for (const field of wireFields(graph)) {
    const constant = field.number === 5 ? readConstant(field.value as Uint8Array) : undefined
    if (constant?.externalFile === undefined) writer.copy(field)
    else {
      const bytes = slice(constant, field.value as Uint8Array, files.get(constant.externalFile)!)
      writer.message(5, (tensor) => {
        for (const part of wireFields(field.value as Uint8Array)) {
          if (part.number !== 13 && part.number !== 14) tensor.copy(part)
        }
        tensor.bytes(9, bytes)
      })
    }
  }
}

function slice(
  { name, externalFile }: ReturnType<typeof readConstant>,
  tensor: Uint8Array,
  file: Uint8Array,
): Uint8Array {
  const entries = new Map(
    [...wireFields(tensor)]
      .filter(({ number }) => number === 13)
      .map(({ value }) => {
        const [key, text] = [...wireFields(value as Uint8Array)].map((part) => part.value as Uint8Array)
        return [new TextDecoder().decode(key), new TextDecoder().decode(text)] as const
      }),
  )
  const offset = Number(entries.get('offset') ?? 0)
  const length = Number(entries.get('length') ?? file.length - offset)
  if (offset + length <= file.length) return file.subarray(offset, offset + length)
  throw new DataError(`'${externalFile}'`, {
    found: `${file.length} bytes`,
    expected: `at least ${offset + length}, for the weight '${name}'`,
    remedy: 'The file is truncated or belongs to another model: copy it again',
  })
}

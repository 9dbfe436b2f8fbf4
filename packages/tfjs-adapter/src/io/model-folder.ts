// A layers model in a folder, in TF.js' own format, from Node: TF.js has `file://` only in its native package.
import { DataError, RuntimeUnavailableError } from '@stochseg/core'
import type { io } from '@tensorflow/tfjs-core'
import { node } from '../node'

const TOPOLOGY = 'model.json'
const WEIGHTS = 'weights.bin'

/**
 * A handler for `model.save` and `loadLayersModel`: `model.json` and its weights in the folder `path`, which is made.
 *
 * The weights are written first and `model.json` is moved into place last: a folder without it was not finished. Loading
 * throws `DataError` for a folder that lacks a file, and for weights that are too short; both throw
 * `RuntimeUnavailableError` outside of Node.
 */
export function modelFolder(path: string): io.IOHandler {
  return {
    async save(artifacts) {
      const { modelTopology, weightSpecs, weightData, ...rest } = artifacts
      const [{ mkdir, rename, writeFile }, { join }] = nodeModules()
      const { CompositeArrayBuffer, getModelArtifactsInfoForJSON } = (await import('@tensorflow/tfjs-core'))
        .io
      await mkdir(path, { recursive: true })
      await writeFile(join(path, WEIGHTS), new Uint8Array(CompositeArrayBuffer.join(weightData)))
      const json = { modelTopology, ...rest, weightsManifest: [{ paths: [WEIGHTS], weights: weightSpecs }] }
      await writeFile(join(path, `${TOPOLOGY}.part`), JSON.stringify(json))
      await rename(join(path, `${TOPOLOGY}.part`), join(path, TOPOLOGY))
      return { modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts) }
    },
    async load() {
      const [{ readFile }, { join }] = nodeModules()
      const read = (name: string): Promise<Buffer> =>
        readFile(join(path, name)).catch((cause: unknown) => {
          throw dataError(join(path, name), 'no file that can be read', cause)
        })
      const { weightsManifest, ...rest } = parse(join(path, TOPOLOGY), (await read(TOPOLOGY)).toString())
      const weightSpecs = weightsManifest.flatMap(({ weights }) => weights)
      const files = await Promise.all(weightsManifest.flatMap(({ paths }) => paths).map(read))
      const bytes = Buffer.concat(files)
      const expected = weightSpecs.reduce((sum, spec) => sum + byteLength(spec), 0)
      if (bytes.length < expected) throw dataError(path, `${bytes.length} of ${expected} bytes of weights`)
      const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
      return { ...rest, weightSpecs, weightData }
    },
  }
}

function nodeModules(): [typeof import('node:fs/promises'), typeof import('node:path')] {
  if (node) return [node('node:fs/promises'), node('node:path')]
  throw new RuntimeUnavailableError('a model folder', {
    found: 'no Node',
    expected: 'a file system',
    remedy: "In a page, save to 'indexeddb://<name>' or 'downloads://<name>' instead",
  })
}

function parse(
  path: string,
  text: string,
): Omit<io.ModelArtifacts, 'weightSpecs' | 'weightData'> & {
  readonly weightsManifest: io.WeightsManifestConfig
} {
  try {
    const json = JSON.parse(text)
    if (json.modelTopology && Array.isArray(json.weightsManifest)) return json
  } catch (cause) {
    throw dataError(path, 'something other than JSON', cause)
  }
  throw dataError(path, 'JSON without modelTopology and weightsManifest')
}

function byteLength({ shape, dtype, quantization }: io.WeightsManifestEntry): number {
  const width = { float32: 4, int32: 4, bool: 1, complex64: 8, string: 0 }[dtype]
  const stored = quantization ? { uint8: 1, uint16: 2, float16: 2 }[quantization.dtype] : width
  return shape.reduce((product, size) => product * size, stored)
}

function dataError(path: string, found: string, cause?: unknown): DataError {
  return new DataError(`'${path}'`, {
    found,
    expected: 'a layers model: model.json and the weights that it names',
    remedy: 'Save the model again',
    cause,
  })
}

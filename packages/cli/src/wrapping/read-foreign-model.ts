// A network from elsewhere, as the bytes of an ONNX file: it is one, or a model of TF.js that becomes one.
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { DataError } from '@stochseg/core'
import type { LayersModelArtefacts, StoredWeightSpec } from '@stochseg/onnx-adapter'

/** TF.js' model.json. */
interface ModelJson {
  readonly format?: string
  readonly modelTopology?: unknown
  readonly signature?: unknown
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[]
    readonly weights: readonly StoredWeightSpec[]
  }[]
}

/** What is said of a model of TF.js. */
export interface ForeignModelOptions {
  /** The tensor of a graph model to end at. */
  readonly output?: string
  /** Whether dilated DepthwiseConv2D layers are dilated. */
  readonly depthwiseDilation?: boolean
}

/** Reads an `.onnx` file, or a model.json with its weights. Throws `DataError`, and `ModelError` for a model that cannot be exported. */
export async function readForeignModel(
  path: string,
  { output, ...options }: ForeignModelOptions = {},
): Promise<Uint8Array> {
  if (!path.endsWith('.json')) return readBytes(path, 'an ONNX file')
  const { exportGraphModel, exportLayersModel } = await import('@stochseg/onnx-adapter')
  const { artefacts, isGraph } = await readTfjsModel(path)
  if (!isGraph) return exportLayersModel(artefacts, options)
  return exportGraphModel(artefacts, output === undefined ? {} : { outputs: [output] })
}

/** Reads a file that a model names by its path from the model's folder, where it must lie. */
export async function readBeside(model: string, location: string): Promise<Uint8Array> {
  const path = normalize(location)
  if (!isAbsolute(path) && !path.startsWith('..'))
    return readBytes(join(dirname(model), path), 'weights of the model')
  throw new DataError(`'${model}'`, {
    found: `weights in '${location}'`,
    expected: "a file in the model's own folder",
    remedy: 'Put the weights beside the model and export it again',
  })
}

async function readTfjsModel(path: string): Promise<{
  readonly artefacts: LayersModelArtefacts & { readonly signature?: unknown }
  readonly isGraph: boolean
}> {
  const model = parse(path, await readBytes(path, "TF.js' model.json"))
  const groups = model.weightsManifest ?? []
  const shards = await Promise.all(
    groups.flatMap(({ paths }) => paths).map((shard) => readBeside(path, shard)),
  )
  return {
    isGraph: model.format === 'graph-model',
    artefacts: {
      modelTopology: model.modelTopology,
      signature: model.signature,
      weightSpecs: groups.flatMap(({ weights }) => weights),
      weightData: new Uint8Array(Buffer.concat(shards)),
    },
  }
}

function parse(path: string, bytes: Uint8Array): ModelJson {
  try {
    const model: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof model === 'object' && model !== null && 'modelTopology' in model) return model
    throw new Error('no modelTopology')
  } catch (cause) {
    throw new DataError(`'${path}'`, {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "TF.js' model.json",
      remedy: 'Give the file that model.save() or tensorflowjs_converter wrote',
      cause,
    })
  }
}

async function readBytes(path: string, expected: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isFolder = code === 'EISDIR'
    throw new DataError(`'${path}'`, {
      found: isFolder ? 'a folder' : code === 'ENOENT' ? 'no such file' : String(cause),
      expected,
      remedy: isFolder
        ? "Give the file in it: TF.js' model.json, or .onnx"
        : 'Check the path and its permissions',
      cause,
    })
  }
}

// A trained model, from an ONNX file or the folder of a run, ready for images of any size.
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError, type Float16Distribution, type LogitDistribution, type WholeImages } from '@stochseg/core'
import type { ModelMetadata, PredictWholeOptions } from '@stochseg/onnx-adapter'

/** Where a model may run. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm'

/** A model in ONNX Runtime. */
export interface OpenModel {
  /** The ONNX file. */
  readonly path: string
  readonly metadata: ModelMetadata
  /** Number of label values, background included. */
  readonly labels: number
  /** The distribution for images of any size, in tiles where they are large. */
  readonly predict: (
    images: Float32Array,
    batch: number,
    spatial: readonly number[],
    roi?: Uint8Array,
  ) => Promise<LogitDistribution>
  /** The same, with a word in how it is tiled and stored. */
  readonly predictWhole: (
    whole: WholeImages,
    options: Omit<PredictWholeOptions, 'signal'>,
  ) => Promise<LogitDistribution | Float16Distribution>
  dispose(): Promise<void>
}

/** Opens a model. Throws `DataError`, `ModelError` or `RuntimeUnavailableError`. */
export async function openModel(
  path: string,
  options: { readonly device?: DeviceName; readonly signal?: AbortSignal } = {},
): Promise<OpenModel> {
  const file = await onnxFileOf(path)
  const { OnnxSegmenter, predictWhole } = await import('@stochseg/onnx-adapter')
  const segmenter = await OnnxSegmenter.load(file, options)
  const { metadata } = segmenter
  const { signal } = options
  return {
    path: file,
    metadata,
    labels: Math.max(metadata.head.classes, 2),
    predict: (images, batch, spatial, roi) =>
      predictWhole(segmenter, { images, batch, spatial, roi }, { signal }),
    predictWhole: (whole, how) => predictWhole(segmenter, whole, { ...how, signal }),
    dispose: () => segmenter.dispose(),
  }
}

/** The ONNX file that a path means: itself, or model.onnx of a run's folder. Throws `DataError`. */
export async function onnxFileOf(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const file = isFolder ? join(path, 'model.onnx') : path
  try {
    await access(file)
  } catch (cause) {
    throw new DataError(`'${file}'`, {
      found: 'no such file',
      expected: 'an ONNX file, or the folder of a run',
      remedy: isFolder
        ? `If the run was interrupted: stochseg export ${path} --out ${file}`
        : 'Check the path',
      cause,
    })
  }
  return file
}

// A trained model, from an ONNX file or the folder of a run, ready for images of any size.
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Predict, paddedPrediction } from '@stochseg/backbones'
import { DataError, ModelError } from '@stochseg/core'
import type { ModelMetadata } from '@stochseg/onnx-adapter'

/** Where a model may run. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm'

/** A model in ONNX Runtime. */
export interface OpenModel {
  /** The ONNX file. */
  readonly path: string
  readonly metadata: ModelMetadata
  /** Number of label values, background included. */
  readonly labels: number
  /** The distribution for images of any size: they are mirrored at the border where the network needs it. */
  readonly predict: Predict
  dispose(): Promise<void>
}

/** Opens a model for 2D images. Throws `DataError`, `ModelError` or `RuntimeUnavailableError`. */
export async function openModel(
  path: string,
  options: { readonly device?: DeviceName; readonly signal?: AbortSignal } = {},
): Promise<OpenModel> {
  const file = await onnxFileOf(path)
  const { OnnxSegmenter } = await import('@stochseg/onnx-adapter')
  const segmenter = await OnnxSegmenter.load(file, options)
  const { metadata } = segmenter
  if (metadata.dimensions !== 2) {
    await segmenter.dispose()
    throw new ModelError(`'${file}'`, {
      found: `a network of ${metadata.dimensions} dimensions`,
      expected: 'one for 2D images',
      remedy: 'Use @stochseg/onnx-adapter from a program for volumes',
    })
  }
  const { signal } = options
  const predict: Predict = (images, batch, spatial) =>
    segmenter.predict(images, batch, spatial, signal ? { signal } : {})
  return {
    path: file,
    metadata,
    labels: Math.max(metadata.head.classes, 2),
    predict: paddedPrediction(predict, metadata),
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

// Images and volumes of any size, through a network that takes some sizes only.
import { geometryOf } from '@stochseg/backbones'
import {
  checkInputSize,
  type Float16Distribution,
  type LogitDistribution,
  type NetworkGeometry,
  predictWholeImage,
  voxelCount,
  type WholeImageOptions,
  type WholeImages,
} from '@stochseg/core'
import { inFixedBatches, type Predict } from './fixed-batches'
import type { OnnxSegmenter } from './onnx-segmenter'

/** What is needed of a segmenter. */
export type TiledSegmenter = Pick<OnnxSegmenter, 'metadata' | 'predict'>

/** {@link WholeImageOptions} without the geometry, which the model knows. */
export type PredictWholeOptions = Omit<WholeImageOptions, 'geometry'>

/**
 * The distribution for whole images, tile by tile; see core's `predictWholeImage`, whose errors it throws.
 *
 * A network of fixed size has tiles of that size, whatever `tile` says; batches that are smaller than the file's fixed one are
 * filled up, and larger ones are cut.
 */
export function predictWhole(
  segmenter: TiledSegmenter,
  whole: WholeImages,
  options: PredictWholeOptions & { readonly storage: 'float16' },
): Promise<Float16Distribution>
export function predictWhole(
  segmenter: TiledSegmenter,
  whole: WholeImages,
  options?: PredictWholeOptions & { readonly storage?: 'float32' | undefined },
): Promise<LogitDistribution>
export function predictWhole(
  segmenter: TiledSegmenter,
  whole: WholeImages,
  options?: PredictWholeOptions,
): Promise<LogitDistribution | Float16Distribution>
export async function predictWhole(
  segmenter: TiledSegmenter,
  whole: WholeImages,
  options: PredictWholeOptions = {},
): Promise<LogitDistribution | Float16Distribution> {
  const { fixedSize, fixedBatch, minimumSize } = segmenter.metadata
  const { signal } = options
  const predict: Predict = (images, batch, spatial) =>
    segmenter.predict(images, batch, spatial, signal ? { signal } : {})
  return predictWholeImage(fixedBatch === undefined ? predict : inFixedBatches(predict, fixedBatch), whole, {
    ...options,
    geometry: await segmenterGeometry(segmenter),
    ...(fixedSize ? { tile: minimumSize } : {}),
  })
}

const geometries = new WeakMap<TiledSegmenter, NetworkGeometry>()

/** What a segmenter's network does to sizes. A foreign network, which has no spec, is tried on its smallest image. */
export async function segmenterGeometry(segmenter: TiledSegmenter): Promise<NetworkGeometry> {
  const known = geometries.get(segmenter)
  if (known) return known
  const { network, fixedSize, minimumSize } = segmenter.metadata
  const anySize = network ? geometryOf(network) : await foreignGeometry(segmenter)
  // The file may be for one size where its network takes many.
  const geometry = fixedSize ? { ...anySize, minimumSize } : anySize
  geometries.set(segmenter, geometry)
  return geometry
}

async function foreignGeometry(segmenter: TiledSegmenter): Promise<NetworkGeometry> {
  const { minimumSize, multipleOf, receptiveField, channels, fixedSize, fixedBatch = 1 } = segmenter.metadata
  const images = new Float32Array(fixedBatch * channels * voxelCount(minimumSize))
  const output = fixedSize ? minimumSize : (await segmenter.predict(images, fixedBatch, minimumSize)).spatial
  const sizes = { minimumSize, multipleOf }
  return {
    ...sizes,
    receptiveField,
    outputSize(input) {
      checkInputSize(sizes, input)
      return input.map((length, axis) => length - minimumSize[axis]! + output[axis]!)
    },
  }
}

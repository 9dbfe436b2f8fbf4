// A block: what a kernel works on, laid out as it stands in WASM memory. It holds a run of one image's voxels, so memory
// does not grow with the image, and a block can go to any thread.
import type { Scales } from '../distribution/edits'
import type { SampledImage } from '../distribution/float16'
import type { VoxelRange } from '../distribution/voxel-range'
import type { KernelName } from './kernel-instance'
import type { KernelNoise } from './kernel-noise'

/** What kernels read. Label maps, regions and weights are there for the kernels that take them. */
export interface BlockInput {
  readonly image: SampledImage
  readonly range: VoxelRange
  readonly noise: KernelNoise
  readonly scales: Scales
  /** `[S]`. */
  readonly roi?: Uint8Array | undefined
  /** `[S]`. */
  readonly labels?: Uint8Array | undefined
  /** `[M]`, of the samples in the gradient. */
  readonly weights?: Float32Array | undefined
  /** What the first pass of the loss has kept for the second. */
  readonly kept?: Uint8Array | undefined
  /** Whether label maps leave out noise that can change nothing. */
  readonly cull?: boolean
}

/** A block's layout: input, then output, then scratch. Positions are relative to its start. */
export interface Block {
  readonly kernel: KernelName
  readonly output: number
  readonly outputBytes: number
  readonly bytes: number
  /** Numbers that the kernel draws at most. */
  readonly normals: number
  /** Writes the input to `buffer` from `start` on, for a kernel that will find it at the address `heap`. */
  pack(buffer: ArrayBufferLike, start: number, heap: number): void
}

const HEADER_BYTES = 128

/** Values from one plane to the next. Not a power of two, which would crowd planes into a few sets of the cache. */
export function blockStride({ start, end }: VoxelRange): number {
  return Math.ceil((end - start) / 16) * 16 + 16
}

/** Scratch that a kernel's tile of four voxels takes: assembly/tile.ts. */
export function tileBytes({ classes, rank }: SampledImage): number {
  return classes * (10 + rank) * 16
}

/** How large a block's parts are. */
export interface BlockSizes {
  readonly outputBytes: number
  readonly scratchBytes: number
  /** Of the output's end: what the first pass of the loss keeps. */
  readonly keptBytes?: number
}

/** Lays out a block for `kernel`, with room for its output and scratch. */
export function block(
  kernel: KernelName,
  input: BlockInput,
  { outputBytes, scratchBytes, keptBytes = 0 }: BlockSizes,
): Block {
  const { image, range, noise, scales, roi, labels, weights, kept, cull = false } = input
  const { classes, rank } = image
  const stride = blockStride(range)

  let bytes = HEADER_BYTES
  const allocate = (length: number): number => {
    const position = bytes
    bytes = Math.ceil((bytes + length) / 64) * 64
    return position
  }
  const mean = allocate(classes * stride * 4)
  const isHalf = 'deviation' in image
  const halfDeviation = isHalf ? allocate(classes * stride * 2) : undefined
  const halfFactor = isHalf ? allocate(classes * rank * stride * 2) : undefined
  const parts = (): readonly [diagonal: number, factor: number] => [
    allocate(classes * stride * 4),
    allocate(classes * rank * stride * 4),
  ]
  const given = isHalf ? undefined : parts()
  const classScale = allocate(classes * 4)
  const z = allocate(noise.z.byteLength)
  const roiBytes = roi && allocate(stride)
  const labelBytes = labels && allocate(stride)
  const weightBytes = weights && allocate(weights.byteLength)
  const largestOfQuads = allocate(noise.quads * 4)
  const keptInput = kept && allocate(kept.byteLength)
  const output = allocate(outputBytes)
  const keptOutput = keptBytes === 0 ? undefined : output + outputBytes - keptBytes
  const scratch = allocate(scratchBytes)
  // Halves are expanded by the kernel, to where nothing is sent.
  const [diagonal, factor] = given ?? parts()

  function pack(buffer: ArrayBufferLike, start: number, heap: number): void {
    const planes = (
      position: number | undefined,
      count: number,
      source: Float32Array | Uint16Array,
    ): void => {
      if (position === undefined) return
      const at = start + position
      const target =
        source instanceof Uint16Array
          ? new Uint16Array(buffer, at, count * stride)
          : new Float32Array(buffer, at, count * stride)
      for (let plane = 0; plane < count; plane++) {
        const from = plane * image.voxels
        target.set(source.subarray(from + range.start, from + range.end), plane * stride)
      }
    }
    const floats = (position: number, source: Float32Array): void =>
      new Float32Array(buffer, start + position, source.length).set(source)
    const run = (position: number | undefined, source: Uint8Array | undefined): void => {
      if (position !== undefined && source !== undefined) {
        new Uint8Array(buffer, start + position, stride).set(source.subarray(range.start, range.end))
      }
    }
    const address = (position: number | undefined): number => (position === undefined ? 0 : heap + position)

    planes(mean, classes, image.mean)
    if ('deviation' in image) planes(halfDeviation, classes, image.deviation)
    else planes(diagonal, classes, image.diagonal)
    planes(halfFactor ?? factor, classes * rank, image.factor)
    floats(classScale, scales.classScale)
    floats(z, noise.z)
    floats(largestOfQuads, noise.largestOfQuads)
    run(roiBytes, roi)
    run(labelBytes, labels)
    if (weightBytes !== undefined && weights !== undefined) floats(weightBytes, weights)
    if (keptInput !== undefined && kept !== undefined) {
      new Uint8Array(buffer, start + keptInput, kept.length).set(kept)
    }
    // The order of assembly/block.ts.
    const header = [
      ...[classes, rank, range.end - range.start, range.start, stride],
      ...[...noise.key, noise.stream, noise.firstQuad, noise.quads, noise.skipped],
      noise.antithetic ? 2 * noise.samples : noise.samples,
      ...[Number(cull), 0, Number(noise.antithetic)],
      ...[mean, diagonal, factor, classScale, z, roiBytes, labelBytes, weightBytes, largestOfQuads].map(
        address,
      ),
      ...[halfFactor, halfDeviation, keptInput ?? keptOutput, output, scratch].map(address),
    ]
    new Uint32Array(buffer, start, header.length).set(header)
    new Float32Array(buffer, start, header.length)[LARGEST_FACTOR_NOISE] = noise.largest
  }

  const normals = noise.samples * classes * (range.end - range.start)
  return { kernel, output, outputBytes, bytes, normals, pack }
}

/** Positions in the header of fields that are read or changed after a block is packed. */
export const BLOCK_HEADER = {
  stream: 7,
  mean: 15,
  diagonal: 16,
  factor: 17,
  weights: 22,
  output: 27,
} as const

/** Position in the header of the one float. */
const LARGEST_FACTOR_NOISE = 13

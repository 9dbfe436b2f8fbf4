// What a kernel works on: a run of one image's voxels, its samples, and where everything lies in memory.
// The host (src/kernels/block.ts) writes it, in this order of fields, four bytes each.

// @ts-ignore: decorator
@unmanaged
export class Block {
  classes: usize
  rank: usize
  /** Voxels of this block, the index in the image of its first, and the distance between planes (a multiple of 4). */
  voxels: usize
  firstVoxel: usize
  stride: usize
  key0: u32
  key1: u32
  stream: u32
  /** Noise comes in quads of samples; `skipped` samples of the first quad are not asked for. */
  firstQuad: u32
  quads: usize
  skipped: usize
  samples: usize
  /** Whether label maps leave out noise that can change nothing, and the largest ‖z‖ for that. */
  cull: u32
  largestFactorNoise: f32
  /** Whether every sample is followed by its mirror image (loss only). */
  antithetic: u32
  /** `[C][stride]`, `[C][stride]` variances, `[C][R][stride]`. */
  mean: usize
  diagonal: usize
  factor: usize
  /** `[C]`. */
  classScale: usize
  /** `[quads][R][4]`, component scale included. */
  z: usize
  /** `[stride]` bytes; 0 where there is none. */
  roi: usize
  labels: usize
  /** `[samples]` weights of the samples in the gradient. */
  weights: usize
  /** `[quads]`: the largest ‖z‖ of each. */
  largestOfQuads: usize
  /** The same as factor and √diagonal in binary16, to be expanded; 0 where there are none. */
  halfFactor: usize
  halfDeviation: usize
  /** What the first pass of the loss keeps for the second, if not 0: see loss.ts. */
  kept: usize
  output: usize
  scratch: usize
}

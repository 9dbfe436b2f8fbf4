// The numbers of a convolution of stride 1, in the order in which src/wasm/convolution-sizes.ts writes them. A 2D one
// has one plane.

@unmanaged
export class ConvolutionSizes {
  batch: i32
  inputs: i32
  outputs: i32
  /** Planes of the kernel; each is 3×3. */
  kernelZ: i32
  inputZ: i32
  inputY: i32
  inputX: i32
  outputZ: i32
  outputY: i32
  outputX: i32
  /** Zeros before the input. */
  padZ: i32
  padY: i32
  padX: i32
  /** Neighbouring 4×4 tiles, and planes of them, that are worked on together. */
  blockTiles: i32
  blockPlanes: i32
}

/** The next multiple of 4 channels: a register. */
export function quads(channels: i32): i32 {
  return (channels + 3) & ~3
}

/** The next multiple of 8 channels: a panel. */
export function octets(channels: i32): i32 {
  return (channels + 7) & ~7
}

/** Bytes for so many values, an odd number of cache lines: arrays side by side then do not evict each other. */
export function spacedBytes(values: i32): usize {
  return ((((<usize>values) << 2) + 63) & ~63) | 64
}

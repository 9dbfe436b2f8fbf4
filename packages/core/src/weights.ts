// Named weights: how parameters, optimiser state and checkpoints travel between packages.

/** One float32 tensor. Convolution kernels are `[out, in, *kernel]`, everything else `[channels]`. */
export interface Weight {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Weights by name, in a stable order. A node's weights are named `<node>.<part>`, e.g. `down0.conv0.weight`. */
export type Weights = ReadonlyMap<string, Weight>

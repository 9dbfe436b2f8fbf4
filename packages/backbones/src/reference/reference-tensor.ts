// Planar float64 tensors for the reference interpreter, addressed voxel by voxel.

/** A planar tensor `[N, C, *S]`. */
export interface ReferenceTensor {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Tensors joined along channels. */
export function concatenate(inputs: readonly ReferenceTensor[]): ReferenceTensor {
  const [batch, , ...spatial] = inputs[0]!.shape as [number, number, ...number[]]
  const origins = inputs.flatMap((tensor) =>
    Array.from({ length: tensor.shape[1]! }, (_, c) => ({ tensor, c })),
  )
  return build([batch, origins.length, ...spatial], (n, c, at) =>
    valueAt(origins[c]!.tensor, n, origins[c]!.c, at),
  )
}

/** A function of every value. */
export function pointwise(input: ReferenceTensor, apply: (value: number) => number): ReferenceTensor {
  return { shape: input.shape, data: input.data.map(apply) }
}

/** The tensor of this shape whose value at each image, channel and position is given. */
export function build(
  shape: readonly number[],
  value: (n: number, c: number, at: readonly number[]) => number,
): ReferenceTensor {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]]
  const all = positions(spatial)
  const data = new Float64Array(batch * channels * all.length)
  let index = 0
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (const at of all) data[index++] = value(n, c, at)
    }
  }
  return { shape, data }
}

/** The value at a position; zero outside. */
export function valueAt(tensor: ReferenceTensor, n: number, c: number, at: readonly number[]): number {
  const [, channels, ...spatial] = tensor.shape as [number, number, ...number[]]
  let index = n * channels + c
  for (let axis = 0; axis < spatial.length; axis++) {
    if (at[axis]! < 0 || at[axis]! >= spatial[axis]!) return 0
    index = index * spatial[axis]! + at[axis]!
  }
  return tensor.data[index]!
}

/** All positions of a grid, row-major. */
export function positions(spatial: readonly number[]): number[][] {
  return spatial.reduce<number[][]>(
    (heads, length) => heads.flatMap((head) => Array.from({ length }, (_, index) => [...head, index])),
    [[]],
  )
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

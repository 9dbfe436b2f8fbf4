// Weights as TF.js holds them, channels last, and as ONNX takes them.

/** One weight. */
export interface StoredWeight {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** The weight with its axes in another order: `order[i]` is the axis that becomes axis i. */
export function permuted({ shape, data }: StoredWeight, order: readonly number[]): StoredWeight {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  const newShape = order.map((axis) => shape[axis]!)
  const result = new Float32Array(data.length)
  const position = order.map(() => 0)
  for (let index = 0; index < data.length; index++) {
    result[index] = data[order.reduce((sum, axis, i) => sum + position[i]! * strides[axis]!, 0)]!
    for (let axis = order.length - 1; axis >= 0 && ++position[axis]! === newShape[axis]!; axis--) {
      position[axis] = 0
    }
  }
  return { shape: newShape, data: result }
}

/** A kernel `[*K, a, b]` as `[b, a, *K]`: what convolutions and transposed ones need. */
export function planarKernel(kernel: StoredWeight): StoredWeight {
  const last = kernel.shape.length - 1
  return permuted(kernel, [last, last - 1, ...firstAxes(last - 1)])
}

/** A depthwise kernel `[*K, in, multiplier]` as `[in · multiplier, 1, *K]`, one group for each input channel. */
export function depthwiseKernel(kernel: StoredWeight): StoredWeight {
  const last = kernel.shape.length - 1
  const { shape, data } = permuted(kernel, [last - 1, last, ...firstAxes(last - 1)])
  return { shape: [shape[0]! * shape[1]!, 1, ...shape.slice(2)], data }
}

/** `[*S, C]` as `[C, *S]`. */
export function channelsFirst(weight: StoredWeight): StoredWeight {
  const last = weight.shape.length - 1
  return permuted(weight, [last, ...firstAxes(last)])
}

function firstAxes(count: number): number[] {
  return Array.from({ length: count }, (_, axis) => axis)
}

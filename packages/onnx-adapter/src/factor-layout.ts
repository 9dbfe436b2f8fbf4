// PyTorch code has the factor's channels rank by rank; the contract of all packages has them class by class.

/** A factor `[N, R·C, *S]` with channel = r·C + c as `[N, C, R, *S]`. */
export function classMajorFactor(
  factor: Float32Array,
  { batch, classes, rank }: { readonly batch: number; readonly classes: number; readonly rank: number },
): Float32Array {
  const voxels = factor.length / (batch * classes * rank)
  const result = new Float32Array(factor.length)
  let start = 0
  for (let image = 0; image < batch; image++) {
    for (let klass = 0; klass < classes; klass++) {
      for (let component = 0; component < rank; component++) {
        const source = ((image * rank + component) * classes + klass) * voxels
        result.set(factor.subarray(source, source + voxels), start)
        start += voxels
      }
    }
  }
  return result
}

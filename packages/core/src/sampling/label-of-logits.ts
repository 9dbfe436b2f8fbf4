// What a label is: ties go to the lowest class, and one class alone is 1 where its logit is positive.

/** The label of the C logits at `offset`, `offset + stride`, … */
export function labelOfLogits(logits: Float32Array, offset: number, stride: number, classes: number): number {
  if (classes === 1) return logits[offset]! > 0 ? 1 : 0
  let label = 0
  let largest = logits[offset]!
  for (let klass = 1; klass < classes; klass++) {
    const logit = logits[offset + klass * stride]!
    if (logit > largest) {
      largest = logit
      label = klass
    }
  }
  return label
}

// Gradients with respect to variables, without what TF.js leaves behind where it throws.
import * as tf from '@tensorflow/tfjs-core'

/** `tf.variableGrads`; where it throws, the value and what the forward pass has kept for the backward one are given back. */
export function variableGradients(
  compute: () => tf.Scalar,
  variables: tf.Variable[],
): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.tidy(() => tf.variableGrads(compute, variables))
  } catch (error) {
    const { state } = tf.engine()
    tf.dispose((state.activeTape ?? []).map(({ saved }) => saved ?? []))
    throw error
  }
}

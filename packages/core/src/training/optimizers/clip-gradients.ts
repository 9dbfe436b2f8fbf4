// Clipping by the global norm.
import type { Values } from './update-rule'

/**
 * Shortens gradients, in place, to a common Euclidean norm of at most `limit` (Pascanu, Mikolov & Bengio 2013).
 *
 * @param limit > 0; no limit unless given.
 * @returns the norm of all of them together before; not finite where one is not, and then nothing is changed.
 */
export function clipGradients(
  gradients: readonly Values[],
  limit: number = Number.POSITIVE_INFINITY,
): number {
  let squares = 0
  for (const gradient of gradients) {
    for (let index = 0; index < gradient.length; index++) squares += gradient[index]! ** 2
  }
  const norm = Math.sqrt(squares)
  if (Number.isFinite(norm) && norm > limit) {
    const scale = limit / norm
    for (const gradient of gradients) {
      for (let index = 0; index < gradient.length; index++) gradient[index]! *= scale
    }
  }
  return norm
}

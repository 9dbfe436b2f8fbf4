// The SSN head: which distribution a network ends in, and how its three 1×1 convolutions become one.
import { ValueError } from './errors'

/** `low-rank`: mean, factor, diagonal. `diagonal`: rank 0. `deterministic`: the mean alone. */
export type HeadKind = 'low-rank' | 'diagonal' | 'deterministic'

/** The head's settings: three 1×1 convolutions on the features, `head.mean`, `head.factor`, `head.logDiagonal`. */
export interface SsnHead {
  readonly kind: HeadKind
  /** 1 is binary (sigmoid); otherwise softmax over `classes` ≥ 2. */
  readonly classes: number
  /** Number of factor columns; 0 unless `kind` is `low-rank`. */
  readonly rank: number
  /** Added to exp(log-diagonal), so that a variance is never 0 (the authors use 1e-5). */
  readonly epsilon: number
}

/** The variance that stands for "none" where a deterministic network must give a distribution: no logit moves by it. */
export const DETERMINISTIC_VARIANCE = 1e-30

/** Checks and completes a head. Throws {@link ValueError} for impossible settings. */
export function ssnHead(options: {
  readonly kind?: HeadKind
  readonly classes: number
  readonly rank?: number
  readonly epsilon?: number
}): SsnHead {
  const kind = options.kind ?? 'low-rank'
  const rank = kind === 'low-rank' ? (options.rank ?? 10) : 0
  const epsilon = options.epsilon ?? 1e-5
  if (!Number.isInteger(options.classes) || options.classes < 1 || options.classes > 256) {
    throw new ValueError('head classes', {
      found: String(options.classes),
      expected: 'a whole number from 1 (binary, sigmoid) to 256',
      remedy: 'Give the number of classes, background included',
    })
  }
  if (!Number.isInteger(rank) || rank < 0 || (kind === 'low-rank' && rank === 0)) {
    throw new ValueError('head rank', {
      found: String(rank),
      expected: 'a whole number ≥ 1',
      remedy: "Use kind 'diagonal' for rank 0",
    })
  }
  if (!(epsilon > 0 && Number.isFinite(epsilon))) {
    throw new ValueError('head epsilon', {
      found: String(epsilon),
      expected: 'a number > 0',
      remedy: 'The authors use 1e-5',
    })
  }
  return { kind, classes: options.classes, rank, epsilon }
}

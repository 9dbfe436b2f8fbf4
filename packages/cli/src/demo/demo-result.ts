// What the demo compares, and what it found.
import type { Evaluation, HeadKind } from '@stochseg/core'
import type { BestPossible } from '@stochseg/data'

/** The heads that are compared, all with the same body, data and number of steps. */
export const DEMO_HEADS: readonly HeadKind[] = ['low-rank', 'diagonal', 'deterministic']

/** What the demo found. */
export interface DemoResult {
  readonly models: Readonly<Record<HeadKind, Evaluation>>
  readonly imageBlind: Evaluation
  readonly bestPossible: BestPossible
}

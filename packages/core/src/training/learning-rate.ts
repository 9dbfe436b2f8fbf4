// The learning rate over a run's steps.
import type { TrainingOptions } from './training-options'

/** How the learning rate goes on after the warm-up. */
export type Schedule = 'constant' | 'cosine' | 'steps'

/**
 * The learning rate of step `step`, counted from 0.
 *
 * It rises in equal parts over `warmUpSteps`, up to `learningRate`. Then it stays (`constant`), falls to 0 at `steps` along
 * half a cosine (`cosine`; Loshchilov & Hutter 2017), or is multiplied by `decayFactor` at each of `milestones` (`steps`).
 */
export function learningRateAt(
  step: number,
  options: Pick<
    TrainingOptions,
    'learningRate' | 'schedule' | 'steps' | 'warmUpSteps' | 'milestones' | 'decayFactor'
  >,
): number {
  const { learningRate, schedule, steps, warmUpSteps, milestones, decayFactor } = options
  if (step < warmUpSteps) return (learningRate * (step + 1)) / warmUpSteps
  switch (schedule) {
    case 'constant':
      return learningRate
    case 'cosine': {
      const progress = (step - warmUpSteps) / (steps - warmUpSteps)
      return learningRate * (0.5 + 0.5 * Math.cos(Math.PI * progress))
    }
    case 'steps':
      return learningRate * decayFactor ** milestones.filter((milestone) => milestone <= step).length
  }
}

// The golden distribution cases of the reference data: inputs, and results that PyTorch computed in float64.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NpyArray } from '../packages/data/src/npy'
import { readNpy } from './read-npy'
import { referenceData } from './reference-data'

export const GOLDEN_CASES = [
  'softmax-1d',
  'softmax-2d-roi',
  'softmax-3d',
  'binary-2d',
  'softmax-2d-extreme',
] as const

export interface GoldenCase {
  readonly batch: number
  readonly classes: number
  readonly rank: number
  readonly samples: number
  readonly spatial: readonly number[]
  readonly voxels: number
  /** diagonal = exp(log-diagonal) + epsilon. */
  readonly epsilon: number
  readonly loss: number
  readonly lossPerItem: readonly number[]
  /** `[M][N]`. */
  readonly logLikelihoodPerSample: readonly (readonly number[])[]
  array(name: string): NpyArray['data']
}

/** Undefined where the reference data is not present. */
export function goldenCase(name: (typeof GOLDEN_CASES)[number]): GoldenCase | undefined {
  const folder = referenceData(join('golden-math', name))
  if (folder === undefined) return undefined
  const facts = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))
  return {
    batch: facts.B,
    classes: facts.C,
    rank: facts.R,
    samples: facts.M,
    spatial: facts.spatial,
    voxels: facts.spatial.reduce((product: number, size: number) => product * size, 1),
    epsilon: facts.epsilon,
    loss: facts.loss,
    lossPerItem: facts.nll_per_item,
    logLikelihoodPerSample: facts.log_likelihood_per_sample,
    array: (array) => readNpy(join(folder, `${array}.npy`)).data,
  }
}

import { describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset'
import type { LogitDistribution } from '../distribution/logit-distribution'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { memoryCheckpoints } from './checkpoint'
import { linearEngine } from './linear-engine'
import { train } from './trainer'
import type { TrainingEngine } from './training-engine'
import { VALIDATION_STREAMS, validationLoss } from './validate'

/** Case i is 2 voxels of intensity i; of two raters, one labels both and the other none. */
function ramp(length: number, raters = 2): { readonly dataset: Dataset; readonly read: number[] } {
  const read: number[] = []
  const dataset: Dataset = {
    name: 'ramp',
    channels: 1,
    classes: 2,
    spatial: [2],
    length,
    case: async (index) => {
      read.push(index)
      const image = Float32Array.of(index, index)
      return { id: String(index), image, raters: Uint8Array.of(1, 1, 0, 0).subarray(0, 2 * raters) }
    },
  }
  return { dataset, read }
}

const options = { samples: 8, batchSize: 4, cases: 1000 }
const seed = 3
const engine = linearEngine({ classes: 2, rank: 1 })

async function lossOf(
  dataset: Dataset,
  settings: Parameters<typeof validationLoss>[2],
  of: TrainingEngine = engine,
): Promise<number> {
  return (await validationLoss(of, { dataset, seed }, settings)).loss
}

describe('validationLoss', () => {
  it('is the mean over cases of eq. 7, with noise that no training step uses', async () => {
    let sum = 0
    for (let index = 0; index < 7; index++) {
      const distribution: LogitDistribution = await engine.predict(Float32Array.of(index, index), 1, [2])
      const { samples } = options
      const stream = VALIDATION_STREAMS + index
      sum += monteCarloNll(distribution, Uint8Array.of(1, 1), { samples, seed, stream }).loss
    }
    const loss = await lossOf(ramp(7, 1).dataset, options)
    expect(loss).toBeCloseTo(sum / 7, 12)
  })

  it('is the same twice, and does not depend on the batch size', async () => {
    const loss = await lossOf(ramp(7).dataset, options)
    expect(await lossOf(ramp(7).dataset, options)).toBe(loss)
    expect(await lossOf(ramp(7).dataset, { ...options, batchSize: 3 })).toBeCloseTo(loss, 12)
  })

  it('spreads fewer cases evenly over the split', async () => {
    const { dataset, read } = ramp(10)
    await lossOf(dataset, { ...options, cases: 4 })
    expect(read).toEqual([0, 2, 5, 7])
  })

  it('holds an output that is smaller than the image against the middle of the labels', async () => {
    const dataset: Dataset = {
      name: 'edges',
      channels: 1,
      classes: 2,
      spatial: [4],
      length: 1,
      case: async () => ({
        id: '0',
        image: Float32Array.of(9, 1, 2, 9),
        raters: Uint8Array.of(1, 1, 0, 0),
        roi: Uint8Array.of(1, 1, 0, 1),
      }),
    }
    const valid: TrainingEngine = {
      ...engine,
      predict: (images, batch) => engine.predict(images.subarray(1, 3), batch, [2]),
    }
    const { samples } = options
    const { loss } = monteCarloNll(await engine.predict(Float32Array.of(1, 2), 1, [2]), Uint8Array.of(1, 0), {
      samples,
      seed,
      stream: VALIDATION_STREAMS,
      roi: Uint8Array.of(1, 0),
    })
    expect(await lossOf(dataset, options, valid)).toBe(loss)
  })

  it('is by class weights, where training is: its best state is then not the one that they have changed least', async () => {
    // Images say nothing, and 1 voxel of 12 is foreground: the likelihood wants its share, 1/12; weights of 1 and 33, 3/4.
    const rare = (length: number): Dataset => ({
      ...{ name: 'rare', channels: 1, classes: 2, spatial: [12], length },
      case: async (index) => ({
        id: String(index),
        image: new Float32Array(12),
        raters: Uint8Array.from({ length: 12 }, (_, voxel) => Number(voxel === 0)),
      }),
    })
    const bestStep = async (classWeights?: readonly number[]): Promise<number> => {
      const { bestValidation } = await train({
        ...{ engine: linearEngine({ classes: 2, rank: 1 }), checkpoints: memoryCheckpoints() },
        ...{ training: rare(4), validation: rare(2) },
        options: {
          steps: 24,
          batchSize: 2,
          samples: 8,
          learningRate: 0.05,
          validateEvery: 4,
          seed,
          classWeights,
        },
      })
      return bestValidation.step
    }
    expect(await bestStep([1, 33])).toBe(24)
    expect(await bestStep()).toBe(24)
  })

  it('stops between batches with the reason of the signal', async () => {
    const { dataset, read } = ramp(10)
    const controller = new AbortController()
    const stopping: Dataset = {
      ...dataset,
      case: (index) => {
        if (index === 3) controller.abort('stopped')
        return dataset.case(index)
      },
    }
    const run = lossOf(stopping, { ...options, signal: controller.signal })
    await expect(run).rejects.toBe('stopped')
    expect(read).toHaveLength(4)
  })
})

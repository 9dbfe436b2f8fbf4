import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ModelError, TrainingError, ValueError } from '../errors'
import { type CheckpointStore, memoryCheckpoints } from './checkpoint'
import { linearEngine } from './linear-engine'
import { type StepReport, train } from './trainer'
import { brightness, emptyLog, logged } from './trainer-fixture'
import type { StepOptions, TrainingEngine } from './training-engine'
import { VALIDATION_STREAMS } from './validate'

const validation = brightness(5, 1)
const engine = (onStep?: Parameters<typeof linearEngine>[0]['onStep']): TrainingEngine =>
  linearEngine({ classes: 2, rank: 1, ...(onStep && { onStep }) })

const stopsAnywhere = fc.array(
  fc.record({ after: fc.constantFrom('step', 'validation'), step: fc.integer({ min: 1, max: 24 }) }),
  { maxLength: 4 },
)

describe('train', () => {
  it('learns: the loss falls, in both phases', async () => {
    const log = emptyLog()
    await train(logged({ options: { steps: 500, meanSteps: 200, samples: 16 } }, log))
    const mean = (from: number, to: number): number =>
      log.steps.slice(from, to).reduce((sum, { loss }) => sum + loss, 0) / (to - from)
    expect(mean(180, 200)).toBeLessThan(mean(0, 20))
    // Half of the raters mark six voxels, half none: 6 ln 2 at best without the low-rank part, ln 2 with it.
    expect(log.validations.at(-1)!.loss).toBeLessThan(3)
  })

  it('asks for the mean first and then for all, and never twice for the same noise', async () => {
    const asked: StepOptions[] = []
    await train(logged({ engine: engine((_, stepOptions) => asked.push(stepOptions)) }, emptyLog()))
    expect(asked.map(({ phase }) => phase)).toEqual(
      Array.from({ length: 24 }, (_, step) => (step < 6 ? 'mean' : 'all')),
    )
    expect(asked.map(({ stream }) => stream)).toEqual(Array.from({ length: 24 }, (_, step) => 3 * step))
    expect(asked.at(-1)!.stream + 3).toBeLessThan(VALIDATION_STREAMS)
  })

  it('validates at intervals and at the end, and keeps the best and the last state', async () => {
    const log = emptyLog()
    const checkpoints = memoryCheckpoints()
    const summary = await train(logged({ checkpoints }, log))
    expect(log.validations.map(({ step }) => step)).toEqual([5, 10, 15, 20, 24])
    const lowest = log.validations.reduce((least, report) => (report.loss < least.loss ? report : least))
    const best = await checkpoints.load('best')
    expect(summary.bestValidation).toEqual({ step: lowest.step, loss: lowest.loss })
    expect(best).toMatchObject({ step: lowest.step, bestValidation: summary.bestValidation })
    expect((await checkpoints.load('last'))!.step).toBe(24)
    // The state in `best` is the one that was validated.
    const other = engine()
    await other.importState(best!.state)
    const again = emptyLog()
    const afresh = memoryCheckpoints()
    await afresh.save('last', { state: best!.state, identity: best!.identity, step: 24 })
    await train(logged({ engine: other, checkpoints: afresh, resume: true }, again))
    expect(again.validations).toMatchObject([{ step: 24, loss: lowest.loss }])
  })

  it('takes the same steps when it is stopped and resumed, wherever that happens', async () => {
    const whole = emptyLog()
    const wholeSummary = await train(logged({}, whole))
    await fc.assert(
      fc.asyncProperty(stopsAnywhere, async (stops) => {
        const checkpoints = memoryCheckpoints()
        const log = emptyLog()
        let resume = false
        for (const stop of stops.sort((a, b) => a.step - b.step)) {
          const controller = new AbortController()
          const stopAfter = (kind: 'step' | 'validation', step: number): void => {
            if (kind === stop.after && step === stop.step) controller.abort('stopped')
          }
          const run = train(
            logged(
              {
                checkpoints,
                resume,
                signal: controller.signal,
                onStep: (report) => {
                  log.steps.push(report)
                  stopAfter('step', report.step)
                },
                onValidation: (report) => {
                  log.validations.push(report)
                  stopAfter('validation', report.step)
                },
              },
              log,
            ),
          )
          const finished = await run.then(
            () => true,
            (reason: unknown) => {
              expect(reason).toBe('stopped')
              return false
            },
          )
          const last = await checkpoints.load('last')
          expect(last?.step).toBe(finished ? 24 : log.steps.at(-1)!.step)
          resume = true
        }
        const summary = await train(logged({ checkpoints, resume }, log))
        expect(log).toEqual(whole)
        expect({ ...summary, resumedFrom: 0 }).toEqual(wholeSummary)
      }),
      {
        numRuns: 25,
        // In the last validation, and in a run that then ends without a step; twice right after a validation.
        examples: [
          [
            [
              { after: 'step', step: 24 },
              { after: 'step', step: 24 },
            ],
          ],
          [
            [
              { after: 'step', step: 10 },
              { after: 'validation', step: 10 },
            ],
          ],
        ],
      },
    )
  })

  it('validates again when it was stopped during a validation', async () => {
    const whole = emptyLog()
    await train(logged({}, whole))
    const checkpoints = memoryCheckpoints()
    const log = emptyLog()
    const controller = new AbortController()
    const stopping = engine()
    let predictions = 0
    const { predict } = stopping
    stopping.predict = (...parameters) => {
      // Two batches of validation cases each time, and a look at the state of step 7: this is the second validation's first.
      if (++predictions === 4) controller.abort('stopped')
      return predict(...parameters)
    }
    const run = logged({ checkpoints, engine: stopping, signal: controller.signal }, log)
    await expect(train(run)).rejects.toBe('stopped')
    expect((await checkpoints.load('last'))!.step).toBe(10)
    await train(logged({ checkpoints, resume: true }, log))
    expect(log).toEqual(whole)
  })

  it('goes on from an old checkpoint after a crash, and further than it was first asked to', async () => {
    const whole = emptyLog()
    await train(logged({ options: { steps: 30 } }, whole))
    const checkpoints = memoryCheckpoints()
    const crash = (report: StepReport): void => {
      if (report.step === 13) throw new Error('power cut')
    }
    await expect(train(logged({ checkpoints, onStep: crash }, emptyLog()))).rejects.toThrow('power cut')
    expect((await checkpoints.load('last'))!.step).toBe(7)
    const log = emptyLog()
    await train(logged({ checkpoints, resume: true }, log))
    await train(logged({ checkpoints, resume: true, options: { steps: 30 } }, log))
    expect(log.steps).toEqual(whole.steps.slice(7))
  })

  it('does nothing more when a finished run is resumed', async () => {
    const checkpoints = memoryCheckpoints()
    const summary = await train(logged({ checkpoints }, emptyLog()))
    const log = emptyLog()
    expect(await train(logged({ checkpoints, resume: true }, log))).toEqual({ ...summary, resumedFrom: 24 })
    expect(log).toEqual(emptyLog())
  })

  it('notices events while an engine keeps the thread busy', async () => {
    const log = emptyLog()
    const controller = new AbortController()
    setTimeout(() => controller.abort('stopped'))
    const run = { signal: controller.signal, options: { validateEvery: 100 } }
    await expect(train(logged(run, log))).rejects.toBe('stopped')
    expect(log.steps.length).toBeLessThan(24)
  })

  it('saves nothing when it is stopped before the first step', async () => {
    const checkpoints = memoryCheckpoints()
    const run = logged({ checkpoints, signal: AbortSignal.abort('stopped') }, emptyLog())
    await expect(train(run)).rejects.toBe('stopped')
    expect(await checkpoints.load('last')).toBeUndefined()
  })

  it.each([
    { seed: 6 },
    { batchSize: 2 },
    { samples: 5 },
    { learningRate: 2e-3 },
    { meanSteps: 5 },
    { schedule: 'cosine' as const },
  ])('refuses to resume with %j, and says what differs', async (change) => {
    const checkpoints = memoryCheckpoints()
    await train(logged({ checkpoints }, emptyLog()))
    const run = train(logged({ checkpoints, resume: true, options: change }, emptyLog()))
    await expect(run).rejects.toBeInstanceOf(ValueError)
    await expect(run).rejects.toThrow(Object.keys(change)[0]!)
  })

  it('refuses to resume from nothing, with other data, or to fewer steps', async () => {
    await expect(train(logged({ resume: true }, emptyLog()))).rejects.toBeInstanceOf(ModelError)
    const checkpoints = memoryCheckpoints()
    await train(logged({ checkpoints }, emptyLog()))
    const resumed = { checkpoints, resume: true }
    const otherData = train(logged({ ...resumed, training: brightness(9, 0) }, emptyLog()))
    await expect(otherData).rejects.toThrow(/found trainingCases 9; expected trainingCases 10/)
    const fewer = train(logged({ ...resumed, options: { steps: 20 } }, emptyLog()))
    await expect(fewer).rejects.toThrow(/at least the 24/)
  })

  it('refuses an empty split and splits that do not fit each other', async () => {
    for (const wrong of [
      { training: brightness(0, 0) },
      { validation: brightness(0, 1) },
      { validation: { ...validation, classes: 3 } },
    ]) {
      await expect(train(logged(wrong, emptyLog()))).rejects.toBeInstanceOf(ValueError)
    }
  })

  it('stops at a loss that is not finite, names step and cases, and leaves the last good checkpoint', async () => {
    const checkpoints = memoryCheckpoints()
    const healthy = engine()
    let ids: readonly string[] = []
    const diverging: TrainingEngine = {
      ...healthy,
      step: async (batch, stepOptions) => {
        ids = (batch as unknown as { ids: string[] }).ids
        return stepOptions.stream === 3 * 15 ? { loss: Number.NaN } : healthy.step(batch, stepOptions)
      },
    }
    const error: unknown = await train(logged({ checkpoints, engine: diverging }, emptyLog())).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(TrainingError)
    expect(String(error)).toContain('training step 16')
    expect(String(error)).toContain(ids.join(', '))
    expect(String(error)).toContain('checkpoint of step 14')
    expect((await checkpoints.load('last'))!.step).toBe(14)
  })

  it('does not save weights that are not finite', async () => {
    const kept = memoryCheckpoints()
    const saved: number[] = []
    const checkpoints: CheckpointStore = {
      ...kept,
      save: (name, checkpoint) => {
        if (name === 'last') saved.push(checkpoint.step)
        return kept.save(name, checkpoint)
      },
    }
    const healthy = engine()
    const broken: TrainingEngine = {
      ...healthy,
      exportState: async () => {
        const { weights, optimizer } = await healthy.exportState()
        const { shape, data } = weights.get('all')!
        const bad = saved.length === 2 ? data.map(() => Number.NaN) : data
        return { optimizer, weights: new Map([['all', { shape, data: bad }]]) }
      },
    }
    const run = train(logged({ checkpoints, engine: broken }, emptyLog()))
    await expect(run).rejects.toBeInstanceOf(TrainingError)
    expect(saved).toEqual([7, 14])
  })
})

// The head alone learns, on features that the frozen network gives.
import { type Dataset, memoryCheckpoints, train, ValueError } from '@stochseg/core'
import { FrozenFeatures, withHeads } from '@stochseg/onnx-adapter'
import { createTfjsEngine } from '@stochseg/tfjs-adapter'
import { openData, readLayout } from '../datasets/open-data'
import type { CommandIo } from '../io'
import { layoutProperties, trainedLayout } from '../model/trained-layout'
import { showProgress } from '../progress'
import { writeFileAtomically } from '../run-folder/atomic-write'

/** Flags of the training. */
export interface HeadTrainingFlags {
  readonly data?: string
  readonly layout?: string
  readonly steps?: number
  readonly batchSize?: number
  readonly samples?: number
  readonly learningRate?: number
  readonly validationCases?: number
  readonly seed?: number
  readonly backend?: string
}

/** What a training came to; losses are in nats per image. */
export interface HeadTraining {
  readonly steps: number
  readonly engine: string
  /** Of the first validation, and of the one whose weights are kept. */
  readonly firstLoss: number
  readonly bestLoss: number
}

/**
 * Trains the head of a model and writes it to `out` with the weights that validated best; when it is interrupted, with those
 * it has then, and says how to go on.
 *
 * Throws `ValueError` for data of other channels or more classes than the model's, and what training throws.
 */
export async function trainHeads(
  model: Uint8Array,
  flags: HeadTrainingFlags & { readonly model: string; readonly data: string; readonly out: string },
  io: CommandIo,
): Promise<HeadTraining> {
  const { data, out, steps = 500, batchSize = 8, samples = 20, learningRate = 0.01, seed = 0 } = flags
  const layout = flags.layout === undefined ? undefined : await readLayout(flags.layout)
  const frozen = await FrozenFeatures.load(model)
  const reading = { layout, trained: trainedLayout({ path: flags.model, metadata: frozen.metadata }) }
  const [training, validation] = await Promise.all([
    openData(data, 'train', reading),
    openData(data, 'val', reading),
  ])
  const engine = await createTfjsEngine({
    ...{ ...frozen.network, weights: frozen.weights },
    ...(flags.backend === undefined ? {} : { backend: flags.backend }),
  })
  const checkpoints = memoryCheckpoints()
  const write = async (name: 'best' | 'last'): Promise<void> => {
    const { state } = (await checkpoints.load(name))!
    await writeFileAtomically(out, withHeads(model, state.weights, layoutProperties(training.layout)))
  }
  const progress = showProgress(io.stderr, 'train the head: step')
  const losses: number[] = []
  try {
    checkData(training, frozen)
    const summary = await train({
      ...{ engine, checkpoints, signal: io.signal },
      training: frozen.dataset(training),
      validation: frozen.dataset(validation),
      options: {
        ...{ steps, batchSize, samples, learningRate, seed },
        validationCases: flags.validationCases ?? 100,
        validateEvery: Math.max(1, Math.ceil(steps / 10)),
      },
      onStep: ({ step, loss }) => progress.update(step, steps, `loss ${loss.toPrecision(4)}`),
      onValidation: ({ loss }) => losses.push(loss),
    })
    await write('best')
    const { loss: bestLoss } = summary.bestValidation
    return { steps, engine: engine.name, firstLoss: losses[0]!, bestLoss }
  } catch (error) {
    if (io.signal.aborted && (await checkpoints.load('last'))) {
      await write('last')
      io.stderr.write(`To go on: stochseg wrap --model ${out} --data ${data} --out ${out}\n`)
    }
    throw error
  } finally {
    progress.finish()
    engine.dispose()
    training.close()
    validation.close()
    await frozen.dispose()
  }
}

function checkData({ name, channels, classes }: Dataset, { metadata }: FrozenFeatures): void {
  const labels = Math.max(metadata.head.classes, 2)
  if (channels === metadata.channels && classes <= labels) return
  throw new ValueError(name, {
    found: `${channels} channels, ${classes} classes`,
    expected: `${metadata.channels} channels and at most ${labels} classes, as the network has them`,
    remedy: 'Give data of the kind that the network was made for',
  })
}

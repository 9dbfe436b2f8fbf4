// stochseg wrap: somebody else's network in, an ONNX file with an SSN head out; with data, the head learns.
import { ValueError } from '@stochseg/core'
import type { ModelMetadata } from '@stochseg/onnx-adapter'
import type { CommandIo } from '../io'
import { writeFileAtomically } from '../run-folder/atomic-write'
import { formatNumber, textList } from '../table'
import { readBeside, readForeignModel } from './read-foreign-model'
import type { HeadTraining, HeadTrainingFlags, trainHeads } from './train-heads'

/** Flags of `stochseg wrap`. */
export interface WrapFlags extends HeadTrainingFlags {
  readonly model: string
  readonly out: string
  readonly classes?: number
  readonly rank?: number
  readonly output?: string
  readonly depthwiseDilation?: 'yes' | 'no'
  readonly features?: string
  readonly logits?: string
  readonly axes?: 'planar' | 'channels-last'
  readonly scale?: readonly number[]
  readonly shift?: readonly number[]
  readonly logDiagonalBias?: number
  readonly factorScale?: number
  readonly json?: true
}

/** What says how a head is put on a network. */
const OF_NEW_HEADS = {
  ...{ classes: '--classes', rank: '--rank', output: '--output', depthwiseDilation: '--depthwise-dilation' },
  ...{ features: '--features', logits: '--logits', axes: '--axes', scale: '--scale', shift: '--shift' },
  ...{ logDiagonalBias: '--log-diagonal-bias', factorScale: '--factor-scale' },
} as const satisfies Partial<Record<keyof WrapFlags, string>>

/** Runs the verb. A training that is interrupted leaves what was learnt so far in --out. */
export async function wrapVerb(flags: WrapFlags, io: CommandIo): Promise<void> {
  const { model, out, data } = flags
  const { OnnxSegmenter } = await import('@stochseg/onnx-adapter')
  const wrapped = await wrappedModel(flags)
  // Loading it shows that it is whole, before anything is written or trained.
  const segmenter = await OnnxSegmenter.load(wrapped, { signal: io.signal })
  const { metadata } = segmenter
  await segmenter.dispose()
  const training = data === undefined ? undefined : await trained(wrapped, { ...flags, data }, io)
  if (!training) await writeFileAtomically(out, wrapped)
  io.stdout.write(
    flags.json
      ? `${JSON.stringify(resultOf(out, metadata, training), null, 2)}\n`
      : `${summaryOf(out, metadata, training)}${training ? '' : advice(model, out)}`,
  )
}

/** TF.js is loaded only where something is to be trained. */
async function trained(...call: Parameters<typeof trainHeads>): Promise<HeadTraining> {
  const { trainHeads } = await import('./train-heads')
  return trainHeads(...call)
}

/** The file as it is where it has a head already, else with one. */
async function wrappedModel(flags: WrapFlags): Promise<Uint8Array> {
  const { wrapOnnx, hasHeads } = await import('@stochseg/onnx-adapter')
  const { classes, axes, scale, shift, model, depthwiseDilation, ...rest } = flags
  const bytes = await readForeignModel(model, {
    ...(flags.output === undefined ? {} : { output: flags.output }),
    ...(depthwiseDilation === undefined ? {} : { depthwiseDilation: depthwiseDilation === 'yes' }),
  })
  if (hasHeads(bytes)) {
    checkNoneOfNewHeads(flags)
    return bytes
  }
  if (classes === undefined) {
    throw new ValueError(`'${model}'`, {
      found: 'a network without an SSN head, and no --classes',
      expected: 'the number of its logits',
      remedy: 'Give --classes; 1 is binary (sigmoid)',
    })
  }
  return wrapOnnx(bytes, {
    ...rest,
    ...{ classes, layout: axes, intensities: { scale, shift } },
    externalData: (location) => readBeside(model, location),
  })
}

function checkNoneOfNewHeads(flags: WrapFlags): void {
  const given = Object.entries(OF_NEW_HEADS).filter(([key]) => flags[key as keyof WrapFlags] !== undefined)
  if (given.length === 0) return
  throw new ValueError(`'${flags.model}'`, {
    found: `a network with a head, and ${given.map(([, flag]) => flag).join(', ')}`,
    expected: 'what is said of new heads only for a network without one',
    remedy: 'Leave it out to train the head that is there, or wrap the network without it',
  })
}

function resultOf(file: string, metadata: ModelMetadata, training: HeadTraining | undefined): object {
  const { head, channels, dimensions, minimumSize, multipleOf, receptiveField, properties } = metadata
  const { fixedSize = false, fixedBatch } = metadata
  const { features, logits } = properties
  return {
    ...{ file, classes: head.classes, rank: head.rank, features, logits, channels, dimensions },
    ...{ minimumSize, multipleOf, fixedSize, fixedBatch, receptiveField },
    ...(training ? { training } : {}),
  }
}

function summaryOf(file: string, metadata: ModelMetadata, training: HeadTraining | undefined): string {
  const { head, channels, dimensions, minimumSize, multipleOf, properties } = metadata
  const { fixedSize, fixedBatch } = metadata
  const sizes = (lengths: readonly number[]): string => lengths.join(' × ')
  const larger = fixedSize ? ' only' : `, larger by multiples of ${sizes(multipleOf)}`
  const batches = fixedBatch === undefined ? '' : `, batches of ${fixedBatch} only`
  return textList([
    ['file', file],
    ['features', properties.features ?? '–'],
    ['mean', properties.logits ?? '–'],
    [
      'head',
      `${head.classes === 1 ? '1 class (binary, sigmoid)' : `${head.classes} classes`}, rank ${head.rank}`,
    ],
    [
      'input',
      `${channels} ${channels === 1 ? 'channel' : 'channels'}, ${dimensions}D, ${sizes(minimumSize)}${larger}${batches}`,
    ],
    ...(training
      ? ([
          [
            'training',
            `${training.steps} steps on ${training.engine}, validation loss ${formatNumber(training.firstLoss)} → ${formatNumber(training.bestLoss)}`,
          ],
        ] as const)
      : []),
  ])
}

function advice(model: string, out: string): string {
  return model === out
    ? ''
    : `The head is not trained yet: stochseg wrap --model ${out} --data … --out ${out}\n`
}

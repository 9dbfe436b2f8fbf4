// A run's checkpoints on disk: checkpoints/last.safetensors and best.safetensors, weights and optimiser state in one file.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSafetensors, encodeSafetensors } from '@stochseg/backbones'
import {
  type Checkpoint,
  type CheckpointName,
  type CheckpointStore,
  DataError,
  ModelError,
  type Weights,
} from '@stochseg/core'
import { z } from 'zod'
import { createFolder, removeTemporaryFiles, writeFileAtomically } from './atomic-write'

/**
 * The checkpoints of a run's folder, in which one process trains at a time. Saving replaces a file in one go; a file that cannot be read or written is a `DataError`,
 * a damaged one a `ModelError`.
 */
export function checkpointStore(folder: string): CheckpointStore {
  const parent = join(folder, 'checkpoints')
  const fileOf = (name: string): string => join(parent, `${name}.safetensors`)
  let prepared: Promise<void> | undefined
  const prepare = async (): Promise<void> => {
    await createFolder(parent)
    await removeTemporaryFiles(parent)
  }
  return {
    async save(name, { state, ...rest }) {
      const tensors = new Map([
        ...prefixed('weights/', state.weights),
        ...prefixed('optimizer/', state.optimizer),
      ])
      prepared ??= prepare()
      await prepared
      await writeFileAtomically(
        fileOf(name),
        encodeSafetensors(tensors, { checkpoint: JSON.stringify(rest) }),
      )
    },
    async load(name) {
      const bytes = await readIfPresent(fileOf(name))
      try {
        return bytes && checkpointOf(bytes)
      } catch (cause) {
        throw damaged(fileOf(name), name, cause)
      }
    },
  }
}

const validation = z.object({ step: z.int(), loss: z.number() })

/** What must be right of a checkpoint, but for its state; what else it holds is kept. */
const progress = z.looseObject({
  step: z.int().min(0),
  identity: z.record(z.string(), z.union([z.string(), z.number()])),
  latestValidation: validation.optional(),
  bestValidation: validation.optional(),
  validationsSinceBest: z.int().optional(),
  skippedCases: z.int().optional(),
})

function checkpointOf(bytes: Uint8Array): Checkpoint {
  const { weights: tensors, metadata } = decodeSafetensors(bytes)
  const state = { weights: withPrefix('weights/', tensors), optimizer: withPrefix('optimizer/', tensors) }
  if (metadata.checkpoint === undefined) throw new Error('weights, but no word on a run')
  const found = progress.parse(JSON.parse(metadata.checkpoint)) as Omit<Checkpoint, 'state'>
  return { ...found, state }
}

function damaged(path: string, name: CheckpointName, cause: unknown): ModelError {
  const reason =
    cause instanceof ModelError
      ? cause.found
      : cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return new ModelError(`'${path}'`, {
    found: `a file that is no whole checkpoint (${reason})`,
    expected: 'a checkpoint of stochseg train',
    remedy: `Put a copy back, or take ${name === 'last' ? 'best' : 'last'}.safetensors in its place`,
    cause,
  })
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new DataError(`'${path}'`, {
      found: String((cause as NodeJS.ErrnoException).code ?? cause),
      expected: 'a checkpoint that can be read',
      remedy: 'Check the permissions of the run folder',
      cause,
    })
  }
}

function prefixed(prefix: string, tensors: Weights): Weights {
  return new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]))
}

function withPrefix(prefix: string, tensors: Weights): Weights {
  return new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
    ),
  )
}

// Checkpoints: what is needed to go on with a run, and where they are kept.
import { ValueError } from '../errors'
import type { EngineState } from './training-engine'

/** A validation's result: the mean Monte-Carlo loss of a case, in nats per image. */
export interface Validation {
  /** Optimiser steps taken before it. */
  readonly step: number
  readonly loss: number
}

/** A run after `step` optimiser steps. All but `state` is JSON. */
export interface Checkpoint {
  readonly step: number
  readonly state: EngineState
  /** What decided the run's course; a run that resumes must agree. */
  readonly identity: Readonly<Record<string, string | number>>
  /** The validation before this checkpoint, and the best one. */
  readonly latestValidation?: Validation
  readonly bestValidation?: Validation
  /** Validations since the best one; 0 unless given. */
  readonly validationsSinceBest?: number
  /** Cases that were left out of batches so far; 0 unless given. */
  readonly skippedCases?: number
}

/** `last` is where a run goes on; `best` is the state that validated best. */
export type CheckpointName = 'last' | 'best'

/** Keeps one checkpoint under each name. A save that fails must leave the earlier checkpoint as it was. */
export interface CheckpointStore {
  save(name: CheckpointName, checkpoint: Checkpoint): Promise<void>
  load(name: CheckpointName): Promise<Checkpoint | undefined>
}

/** A store that lives and dies with the process. It keeps references: an engine's exported state must not change later. */
export function memoryCheckpoints(): CheckpointStore {
  const kept = new Map<CheckpointName, Checkpoint>()
  return {
    save: async (name, checkpoint) => void kept.set(name, checkpoint),
    load: async (name) => kept.get(name),
  }
}

/** Throws {@link ValueError} naming every setting in which a checkpoint's run and this one differ. */
export function checkSameRun(stored: Checkpoint['identity'], wanted: Checkpoint['identity']): void {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(wanted)])].filter(
    (name) => stored[name] !== wanted[name],
  )
  if (names.length === 0) return
  const describe = (identity: Checkpoint['identity']): string =>
    names.map((name) => `${name} ${identity[name] ?? 'not set'}`).join(', ')
  throw new ValueError('resuming a run', {
    found: describe(wanted),
    expected: `${describe(stored)}, as in the checkpoint`,
    remedy:
      "Resume with the same options and data, say that they have 'changed', or start a new run elsewhere",
  })
}

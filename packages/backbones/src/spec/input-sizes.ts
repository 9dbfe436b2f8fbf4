// Which lengths a network takes along an axis: found by trying, since joins of pathways allow some and not others.
import { ModelError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { lengthsAlong } from './tensor-shapes'

/** Lengths `first + k · step`, k = 0, 1, … */
export interface Lengths {
  readonly first: number
  readonly step: number
}

interface Steps {
  readonly firsts: readonly number[]
  readonly step: number
}

/** The longest input that is tried. */
const LONGEST = 4096

/** So many steps must fit. */
const STEPS = 16

/**
 * The lengths that a network takes along an axis: those closest together at which the output is a fixed number of voxels shorter.
 * A strided convolution takes any length, but only multiples of its stride come back from up-sampling as they went in. Pathways that
 * meet again after taking every s-th voxel leave some slack at both ends: with the middle one of such lengths the output lies in
 * the middle. Where a network ends in another resolution, the closest lengths that it takes, multiples if they do.
 *
 * Throws {@link ModelError} where no two lengths up to 4096 fit.
 */
export function sizesAlong(spec: NetworkSpec, axis: number): Lengths {
  const outputs = new Map<number, number | undefined>()
  let reason: unknown
  const outputOf = (length: number): number | undefined => {
    if (!outputs.has(length)) {
      outputs.set(length, undefined)
      try {
        outputs.set(length, lengthsAlong(spec, axis, length).get(spec.features)!)
      } catch (error) {
        reason = error
      }
    }
    return outputs.get(length)
  }
  const lost = (length: number): number => length - outputOf(length)!

  const lengths = Array.from({ length: LONGEST }, (_, index) => index + 1)
  const smallest = lengths.find((length) => outputOf(length) !== undefined) ?? LONGEST
  const period = spec.nodes.reduce((product, node) => product * shrinking(node, axis), 1)
  const last = Math.min(period, LONGEST - smallest)
  /** The first ones of the lengths that all pass `fits`, with the smallest step. */
  const closest = (fits: (length: number, first: number) => boolean): Steps | undefined => {
    for (let step = 1; step <= last; step++) {
      const firsts = lengths.slice(smallest - 1, smallest - 1 + step).filter((first) => {
        for (let length = first; length <= Math.min(first + STEPS * step, LONGEST); length += step) {
          if (outputOf(length) === undefined || !fits(length, first)) return false
        }
        return true
      })
      if (firsts.length > 0) return { firsts, step }
    }
    return undefined
  }
  const dense = closest((length, first) => lost(length) >= 0 && lost(length) === lost(first))
  if (dense) return { first: dense.firsts[Math.floor((dense.firsts.length - 1) / 2)]!, step: dense.step }
  const other = closest(() => true)
  if (other) {
    const { firsts, step } = other
    return { first: firsts.find((first) => first % step === 0) ?? firsts[0]!, step }
  }
  throw new ModelError(`geometry of ${spec.name}`, {
    found: `${lengths.filter((length) => outputOf(length) !== undefined).length} lengths up to ${LONGEST} that fit along axis ${axis}`,
    expected: 'at least 2',
    remedy: 'Make the lengths meet where tensors are joined, e.g. by crops',
    cause: reason,
  })
}

/** How many voxels along an axis become one: lengths behave alike every so many. */
function shrinking(node: NetworkNode, axis: number): number {
  switch (node.op) {
    case 'convolution':
      return node.stride?.[axis] ?? 1
    case 'pool':
      return node.window[axis]!
    case 'slice':
      return node.step[axis]!
    default:
      return 1
  }
}

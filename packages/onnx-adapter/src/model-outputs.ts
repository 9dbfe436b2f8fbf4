// A model's outputs against what its metadata say.
import { DETERMINISTIC_VARIANCE, type LogitDistribution, logitDistribution, ModelError } from '@stochseg/core'
import { classMajorFactor } from './factor-layout'
import type { ModelMetadata } from './model-metadata'
import type { Outputs } from './session/onnx-session'

/** An output's type and shape; it may lie on a device. */
interface Output {
  readonly type: string
  readonly dims: readonly number[]
}

/**
 * The image size *S of a model's outputs for `batch` images.
 *
 * Throws {@link ModelError} for an output that is missing, not float32, or of another shape than the head's.
 */
export function outputSize(
  { head, dimensions }: Pick<ModelMetadata, 'head' | 'dimensions'>,
  outputs: Readonly<Record<string, Output>>,
  batch: number,
): readonly number[] {
  const spatial = outputs.mean?.dims.slice(2) ?? []
  const channels: Record<string, number> = {
    mean: head.classes,
    ...(head.kind === 'low-rank' ? { factor: head.classes * head.rank } : {}),
    ...(head.kind === 'deterministic' ? {} : { diagonal: head.classes }),
  }
  for (const [name, count] of Object.entries(channels)) {
    const output = outputs[name]
    const expected = [batch, count, ...spatial]
    if (output?.type !== 'float32') {
      throw new ModelError(`output '${name}'`, {
        found: output ? `values of type ${output.type}` : 'nothing',
        expected: 'float32 values',
        remedy: output ? 'Cast it to float32 in the graph, and export that' : 'Export the network again',
      })
    }
    if (spatial.length !== dimensions || String(output.dims) !== String(expected)) {
      const shape =
        spatial.length === dimensions ? `[${expected}]` : `[${batch}, ${count}] and ${dimensions} sizes`
      throw outputError(name, `shape [${output.dims}]`, `shape ${shape}, as the metadata say`)
    }
  }
  return spatial
}

/** The distribution that a model's outputs are. Throws `ValueError` for values that are not finite. */
export function distributionOf(metadata: ModelMetadata, outputs: Outputs, batch: number): LogitDistribution {
  const { head, factorLayout } = metadata
  const spatial = outputSize(metadata, outputs, batch)
  const mean = outputs.mean!.data!
  const factor = head.kind === 'low-rank' ? outputs.factor!.data! : new Float32Array(0)
  return logitDistribution({
    batch,
    classes: head.classes,
    rank: head.rank,
    spatial,
    mean,
    factor: factorLayout === 'rank-major' ? classMajorFactor(factor, { batch, ...head }) : factor,
    diagonal:
      head.kind === 'deterministic'
        ? new Float32Array(mean.length).fill(DETERMINISTIC_VARIANCE)
        : outputs.diagonal!.data!,
  })
}

function outputError(name: string, found: string, expected: string): ModelError {
  return new ModelError(`output '${name}'`, { found, expected, remedy: 'Export the network again' })
}

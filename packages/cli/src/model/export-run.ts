// A run's network as an ONNX file that says where it comes from.
import { basename } from 'node:path'
import { parameterCount } from '@stochseg/backbones'
import type { Weights } from '@stochseg/core'
import type { NiftiLayout } from '@stochseg/data'
import type { ExportOptions } from '@stochseg/onnx-adapter'
import { writeFileAtomically } from '../run-folder/atomic-write'
import type { RunRecord } from '../run-folder/run-record'
import { layoutProperties } from './trained-layout'

/** Writes the network of a run with the weights of `step` to an ONNX file. Throws `ModelError` or `DataError`. */
export async function exportRun(
  file: string,
  { network, configuration }: Pick<RunRecord, 'network' | 'configuration'>,
  { weights, step }: { readonly weights: Weights; readonly step: number },
  options: Pick<ExportOptions, 'operatorSet' | 'float16Weights' | 'fixed' | 'sampler'> = {},
): Promise<void> {
  const { exportOnnx } = await import('@stochseg/onnx-adapter')
  const bytes = exportOnnx({
    ...network,
    ...options,
    weights,
    properties: {
      parameters: String(parameterCount(network.spec, network.head)),
      trainedOn: basename(configuration.data),
      step: String(step),
      seed: String(configuration.seed),
      normalisation: normalisationOf(configuration.layout),
      ...layoutProperties(configuration.layout),
    },
  })
  await writeFileAtomically(file, bytes)
}

function normalisationOf(layout: NiftiLayout | undefined): string {
  if (!layout) return 'integer intensities: full range to [-0.5, 0.5]; float intensities: as they are'
  return layout.normalisation === 'z-score'
    ? 'each channel of each image less its mean, over its standard deviation, both inside the mask'
    : 'intensities as they are'
}

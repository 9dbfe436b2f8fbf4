// A model's outputs as they lie on the device that computed them.
import { DETERMINISTIC_VARIANCE, voxelCount } from '@stochseg/core'
import type { ModelMetadata } from '../model-metadata'
import { outputSize } from '../model-outputs'
import type { DeviceOutputs } from '../session/onnx-session'
import { type DeviceDistribution, floatBuffer } from './device-distribution'

/** The distribution that outputs on a device are. Throws `ModelError` for outputs that are not the head's. */
export function deviceDistributionOf(
  metadata: Pick<ModelMetadata, 'head' | 'dimensions' | 'factorLayout'>,
  { device, outputs }: DeviceOutputs,
  batch: number,
): DeviceDistribution {
  const own: GPUBuffer[] = []
  const dispose = (): void => {
    for (const tensor of Object.values(outputs)) tensor.dispose()
    for (const buffer of own) buffer.destroy()
  }
  const filled = (length: number, value: number): GPUBuffer => {
    own.push(floatBuffer(device, new Float32Array(length).fill(value)))
    return own.at(-1)!
  }
  try {
    const { head, factorLayout } = metadata
    const spatial = outputSize(metadata, outputs, batch)
    const logits = batch * head.classes * voxelCount(spatial)
    return {
      ...{ device, batch, classes: head.classes, rank: head.rank, spatial, dispose },
      ...(factorLayout ? { factorLayout } : {}),
      mean: outputs.mean!.gpuBuffer,
      factor: head.kind === 'low-rank' ? outputs.factor!.gpuBuffer : filled(1, 0),
      diagonal:
        head.kind === 'deterministic' ? filled(logits, DETERMINISTIC_VARIANCE) : outputs.diagonal!.gpuBuffer,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

// How one part of doctor's work is done in this process.
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import type { OperationReport } from '@stochseg/tfjs-adapter'
import type { CommandIo } from '../io'
import { showProgress } from '../progress'
import type { Finding } from './finding'
import type { Part } from './part'

/** What is tried beside the usual. */
export interface PartOptions {
  /** The operations of GPUs in software, too. */
  readonly matrix: boolean
  /** An ONNX file to predict with. */
  readonly model?: string | undefined
}

/** Tries one part. Throws `DataError` for a model that cannot be read, and the reason of the signal. */
export async function tryPart(part: Part, options: PartOptions, io: CommandIo): Promise<Finding[]> {
  return part === 'inference'
    ? tryInference(options.model, io.signal)
    : [await tryTraining(part, options, io)]
}

/** What is found where a part cannot be tried at all. */
export function failedPart(part: Part, reason: string): Finding {
  return part === 'inference'
    ? { task: 'inference', runtime: 'onnxruntime', works: false, reason }
    : { task: 'training', runtime: `tfjs ${part}`, works: false, reason }
}

/** Works if the backend starts and passes the self-test of a U-Net's gradients. */
async function tryTraining(backend: string, { matrix }: PartOptions, io: CommandIo): Promise<Finding> {
  const finding = { task: 'training', runtime: `tfjs ${backend}` } as const
  let engine: string
  try {
    engine = await engineName(backend)
  } catch (error) {
    // One that starts and computes wrong gradients may have more wrong than the first.
    const operations = await operationsOf(backend, io).catch(() => io.signal.throwIfAborted())
    const reason = error instanceof Error ? error.message : String(error)
    return { ...finding, works: false, reason, ...(operations && { operations }) }
  }
  return {
    ...{ ...finding, works: true },
    // Its adapter may be no GPU.
    ...(backend === 'webgpu' && { engine }),
    ...((matrix || !isSoftware(engine)) && { operations: await operationsOf(backend, io) }),
  }
}

async function engineName(backend: string): Promise<string> {
  const { createTfjsEngine } = await import('@stochseg/tfjs-adapter')
  const spec = unet({ inputChannels: 1, widths: [4, 8] })
  const head = ssnHead({ classes: 2, rank: 2 })
  const weights = initialWeights(spec, head, { seed: 0 })
  const engine = await createTfjsEngine({ spec, head, weights, backend })
  engine.dispose()
  return engine.name
}

/** The adapter says it, the engine's name repeats it. */
function isSoftware(engine: string): boolean {
  return /software\)$/.test(engine)
}

async function operationsOf(
  backend: string,
  { signal, stderr }: CommandIo,
): Promise<readonly OperationReport[]> {
  const { backendMatrix } = await import('@stochseg/tfjs-adapter')
  const progress = showProgress(stderr, `${backend}: operation`)
  try {
    return await backendMatrix({ backend, signal, onProgress: progress.update })
  } finally {
    progress.finish()
  }
}

async function tryInference(model: string | undefined, signal: AbortSignal): Promise<Finding[]> {
  const { probeDevices } = await import('@stochseg/onnx-adapter')
  const reports = await probeDevices(model, { signal })
  return reports.map(({ device, ...report }) => ({
    task: 'inference',
    runtime: `onnxruntime ${device}`,
    ...report,
  }))
}

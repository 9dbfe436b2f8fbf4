// stochseg doctor: tries what could work on this machine, and says why the rest does not.
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import type { DeviceReport } from '@stochseg/onnx-adapter'
import type { CommandIo } from '../io'
import { onnxFileOf } from '../model/open-model'
import { formatNumber } from '../table'
import { matrixTable, operationMatrix } from './operation-matrix'

/** Flags of `stochseg doctor`. */
export interface DoctorFlags {
  /** A model to try devices with. */
  readonly model?: string
  /** Try every operation on TF.js' backends, too. */
  readonly matrix?: true
  readonly json?: true
}

interface Finding extends Partial<Omit<DeviceReport, 'device'>> {
  readonly task: 'training' | 'inference'
  readonly runtime: string
  readonly works: boolean
  /** Its name for itself, where that says more than the runtime's. */
  readonly engine?: string
}

const MATRIX_HINT = 'Every operation on each training backend: stochseg doctor --matrix\n'
const BACKENDS = ['wasm', 'cpu', 'tensorflow', 'webgpu'] as const

/** Runs the verb. Succeeds whatever works: it is a report. Throws `DataError` for a model that cannot be read. */
export async function doctorVerb({ model, matrix, json }: DoctorFlags, io: CommandIo): Promise<void> {
  const findings: Finding[] = []
  // A question about a model is none about training.
  for (const backend of model === undefined ? BACKENDS : []) {
    io.signal.throwIfAborted()
    findings.push(await tryTraining(backend))
  }
  findings.push(...(await tryInference(model, io.signal)))
  const operations = matrix && (await operationMatrix(workingBackends(findings), io))
  const machine = `Node ${process.version}, ${process.platform} ${process.arch}`
  io.stdout.write(
    json
      ? `${JSON.stringify({ machine, findings, ...(operations && { operations }) }, null, 2)}\n`
      : `${machine}\n${findings.map(describe).join('')}${operations ? matrixTable(operations) : model === undefined ? MATRIX_HINT : ''}`,
  )
}

function workingBackends(findings: readonly Finding[]): string[] {
  return BACKENDS.filter((backend) =>
    findings.some(({ runtime, works }) => works && runtime === `tfjs ${backend}`),
  )
}

/** Works if the backend starts and passes the gradient self-test. */
async function tryTraining(backend: string): Promise<Finding> {
  const finding = { task: 'training', runtime: `tfjs ${backend}` } as const
  try {
    const { createTfjsEngine } = await import('@stochseg/tfjs-adapter')
    const spec = unet({ inputChannels: 1, widths: [4, 8] })
    const head = ssnHead({ classes: 2, rank: 2 })
    const weights = initialWeights(spec, head, { seed: 0 })
    const engine = await createTfjsEngine({ spec, head, weights, backend })
    engine.dispose()
    // Its adapter may be no GPU.
    return { ...finding, works: true, ...(backend === 'webgpu' && { engine: engine.name }) }
  } catch (error) {
    return { ...finding, works: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

async function tryInference(model: string | undefined, signal: AbortSignal): Promise<Finding[]> {
  const { probeDevices } = await import('@stochseg/onnx-adapter')
  const path = model === undefined ? undefined : await onnxFileOf(model)
  const reports = await probeDevices(path, { signal })
  return reports.map(({ device, ...report }) => ({
    task: 'inference',
    runtime: `onnxruntime ${device}`,
    ...report,
  }))
}

/** A line, and what is to be said about it below. */
function describe({ task, runtime, works, ...finding }: Finding): string {
  const { reason, remedy, engine, milliseconds, size, differenceToCpu, placement } = finding
  const remarks = [
    reason && (remedy ? `${reason}. ${remedy}.` : reason),
    engine,
    milliseconds !== undefined &&
      `${size!.join('×')} in ${formatNumber(milliseconds, 2)} ms${differenceToCpu ? `, within ${formatNumber(differenceToCpu, 1)} of the CPU` : ''}`,
    placement?.rewritten.length && `rewritten for it: ${placement.rewritten.join(', ')}`,
    placement?.onCpu.length && `on the CPU instead: ${placement.onCpu.join(', ')}`,
  ].filter(Boolean)
  return [`${works ? '✓' : '✗'} ${task} on ${runtime}`, ...remarks].join('\n    ').concat('\n')
}

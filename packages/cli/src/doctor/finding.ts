// What is found out about one way to train or to predict, and how that is said.
import type { DeviceReport } from '@stochseg/onnx-adapter'
import type { OperationReport } from '@stochseg/tfjs-adapter'
import { formatNumber } from '../table'
import { operationsLines } from './operation-matrix'

/** Whether a runtime works here. */
export interface Finding extends Partial<Omit<DeviceReport, 'device'>> {
  readonly task: 'training' | 'inference'
  readonly runtime: string
  readonly works: boolean
  /** Its name for itself, where that says more than the runtime's. */
  readonly engine?: string
  /** Of a training backend: what it makes of every operation. A GPU in software is asked only with --matrix. */
  readonly operations?: readonly OperationReport[] | undefined
}

/** A line, and what is to be said about it below. */
export function findingText(finding: Finding): string {
  const { task, runtime, works, engine, reason, remedy, operations } = finding
  const { milliseconds, size, differenceToCpu, placement } = finding
  const remarks = [
    reason && `${reason.replace(/\.$/, '')}.`,
    remedy && `${remedy}.`,
    engine,
    ...(operations ? operationsLines(operations) : []),
    task === 'training' &&
      works &&
      !operations &&
      'a GPU in software: --matrix tries its operations, in a minute',
    milliseconds !== undefined &&
      `${size!.join('×')} in ${formatNumber(milliseconds, 2)} ms${differenceToCpu ? `, within ${formatNumber(differenceToCpu, 1)} of the CPU` : ''}`,
    placement?.rewritten.length && `rewritten for it: ${placement.rewritten.join(', ')}`,
    placement?.onCpu.length && `on the CPU instead: ${placement.onCpu.join(', ')}`,
  ].filter(Boolean)
  return [`${works ? '✓' : '✗'} ${task} on ${runtime}`, ...remarks].join('\n    ').concat('\n')
}

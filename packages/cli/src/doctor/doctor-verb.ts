// stochseg doctor: tries what could work on this machine, and says why the rest does not.
import type { CommandIo } from '../io'
import { onnxFileOf } from '../model/open-model'
import { type Finding, findingText } from './finding'
import { matrixTable } from './operation-matrix'
import { PARTS, type Part } from './part'
import { tryPartInProcess } from './part-process'
import { type PartOptions, tryPart } from './try-part'

/** Flags of `stochseg doctor`. */
export interface DoctorFlags {
  /** A model to try devices with: a question about inference alone. */
  readonly model?: string
  readonly only?: Part
  /** The whole table of operations, and those of GPUs in software. */
  readonly matrix?: true
  readonly json?: true
}

/** Runs the verb. Succeeds whatever works: it is a report. Throws `DataError` for a model that cannot be read. */
export async function doctorVerb({ model, only, matrix, json }: DoctorFlags, io: CommandIo): Promise<void> {
  const options: PartOptions = {
    matrix: matrix ?? false,
    ...(model !== undefined && { model: await onnxFileOf(model) }),
  }
  const part = model === undefined ? only : 'inference'
  const findings = part ? await tryPart(part, options, io) : await tryAll(options, io)
  const machine = `Node ${process.version}, ${process.platform} ${process.arch}`
  io.stdout.write(
    json
      ? `${JSON.stringify({ machine, findings }, null, 2)}\n`
      : [`${machine}\n`, ...findings.map(findingText), ...(matrix ? [tableOf(findings)] : [])].join(''),
  )
}

/** Each part in a process of its own, where the command knows its program. */
async function tryAll(options: PartOptions, io: CommandIo): Promise<Finding[]> {
  const { signal, stderr, program } = io
  const status = (text: string): unknown => stderr.write(stderr.isTTY ? `\r\x1b[2K${text}` : `${text}\n`)
  const findings: Finding[] = []
  for (const part of PARTS) {
    signal.throwIfAborted()
    status(`Trying ${part}`)
    const tried = program ? tryPartInProcess(part, options, program, io) : tryPart(part, options, io)
    findings.push(...(await tried))
  }
  if (stderr.isTTY) status('')
  return findings
}

function tableOf(findings: readonly Finding[]): string {
  const matrix = findings.flatMap(({ runtime, operations }) =>
    operations ? [[runtime.replace('tfjs ', ''), operations] as const] : [],
  )
  return matrix.length > 0 ? `\n${matrixTable(new Map(matrix))}` : ''
}

// Every operation that a network can use, on every backend that works: is it right, forward and backward?
import type { OperationReport } from '@stochseg/tfjs-adapter'
import type { CommandIo } from '../io'
import { textTable } from '../table'

/** What was found on each backend, by the backend's name. */
export type OperationMatrix = Readonly<Record<string, readonly OperationReport[]>>

/** Tries all operations on `backends`, one after the other. */
export async function operationMatrix(
  backends: readonly string[],
  { signal, stderr }: Pick<CommandIo, 'signal' | 'stderr'>,
): Promise<OperationMatrix> {
  const { backendMatrix } = await import('@stochseg/tfjs-adapter')
  const matrix: Record<string, readonly OperationReport[]> = {}
  for (const backend of backends) {
    signal.throwIfAborted()
    stderr.write(`Trying every operation on ${backend}\n`)
    matrix[backend] = await backendMatrix({ backend })
  }
  return matrix
}

/** A row for each operation; a fault is told below the table. */
export function matrixTable(matrix: OperationMatrix): string {
  const backends = Object.entries(matrix)
  const operations = [
    ...new Set(backends.flatMap(([, reports]) => reports.map(({ operation }) => operation))),
  ]
  const faults: string[] = []
  const cell = (backend: string, operation: string): string => {
    const report = matrix[backend]!.find((found) => found.operation === operation)
    return (['forward', 'gradient'] as const)
      .map((direction) => {
        const result = report?.[direction]
        if (result === undefined || result === 'right') return result ? '✓' : '–'
        faults.push(`${operation}, ${direction} on ${backend}: ${result.fault}\n`)
        return '✗'
      })
      .join(' ')
  }
  const rows = operations.map((operation) => [operation, ...backends.map(([name]) => cell(name, operation))])
  return `\n${textTable([['forward, gradient', ...backends.map(([name]) => name)], ...rows])}${faults.join('')}`
}

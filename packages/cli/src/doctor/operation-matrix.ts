// What training backends make of every operation that a network can use, as text.
import type { OperationReport } from '@stochseg/tfjs-adapter'
import { textTable } from '../table'

const DIRECTIONS = ['forward', 'gradient'] as const

/** How many operations are right, and a line for each fault. */
export function operationsLines(operations: readonly OperationReport[]): string[] {
  const faults = operations.flatMap(faultsOf)
  const wrong = new Set(faults.map(({ operation }) => operation)).size
  return [
    `${operations.length - wrong} of ${operations.length} operations right, forward and gradient`,
    ...faults.map(({ operation, direction, fault }) => `✗ ${operation}, ${direction}: ${fault}`),
  ]
}

/** A row for each operation, a column for each backend. */
export function matrixTable(matrix: ReadonlyMap<string, readonly OperationReport[]>): string {
  const names = new Set([...matrix.values()].flat().map(({ operation }) => operation))
  const cell = (reports: readonly OperationReport[], operation: string): string => {
    const report = reports.find((found) => found.operation === operation)
    return DIRECTIONS.map((direction) => mark(report?.[direction])).join(' ')
  }
  return textTable([
    ['forward, gradient', ...matrix.keys()],
    ...[...names].map((name) => [name, ...[...matrix.values()].map((reports) => cell(reports, name))]),
  ])
}

function mark(result: OperationReport['forward'] | undefined): string {
  if (result === undefined) return '–'
  return result === 'right' ? '✓' : '✗'
}

function faultsOf({
  operation,
  ...results
}: OperationReport): { readonly operation: string; readonly direction: string; readonly fault: string }[] {
  return DIRECTIONS.flatMap((direction) => {
    const result = results[direction]
    return result === 'right' ? [] : [{ operation, direction, fault: result.fault }]
  })
}

import { expect, test } from 'vitest'
import { matrixTable, operationMatrix } from './operation-matrix'

test('every operation is right on wasm, forward and backward', async () => {
  const { signal } = new AbortController()
  const matrix = await operationMatrix(['wasm'], { signal, stderr: { write: () => {} } })
  const names = matrix.wasm!.map(({ operation }) => operation)
  expect(names.length).toBeGreaterThan(20)
  expect(new Set(names).size).toBe(names.length)
  expect(matrixTable(matrix)).not.toMatch(/✗|–/)
})

test('a fault is marked and told', () => {
  const table = matrixTable({
    wasm: [{ operation: 'add', forward: 'right', gradient: { fault: '3 instead of 2' } }],
    cpu: [{ operation: 'add', forward: 'right', gradient: 'right' }],
  })
  expect(table).toMatch(/^add +✓ ✗ +✓ ✓$/m)
  expect(table).toContain('add, gradient on wasm: 3 instead of 2\n')
})

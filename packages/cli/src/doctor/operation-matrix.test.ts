import type { OperationReport } from '@stochseg/tfjs-adapter'
import { expect, test } from 'vitest'
import { findingText } from './finding'
import { matrixTable } from './operation-matrix'

const right: OperationReport = { operation: 'add', forward: 'right', gradient: 'right' }
const wrong: OperationReport = { ...right, gradient: { fault: '3 instead of 2' } }
const training = { task: 'training', runtime: 'tfjs webgpu' } as const

test('the table marks what is wrong', () => {
  const matrix = new Map([
    ['wasm', [wrong]],
    ['cpu', [right, { ...right, operation: 'crop' }]],
  ])
  expect(matrixTable(matrix)).toMatch(/^add +✓ ✗ +✓ ✓\ncrop +– – +✓ ✓$/m)
})

test('a backend is a line, with the number of its right operations and the faults of the others', () => {
  const operations = [right, { ...wrong, operation: 'crop' }]
  expect(findingText({ ...training, works: true, operations })).toBe(
    '✓ training on tfjs webgpu\n' +
      '    1 of 2 operations right, forward and gradient\n' +
      '    ✗ crop, gradient: 3 instead of 2\n',
  )
})

test('where the operations were not tried, it says how they are', () => {
  expect(findingText({ ...training, works: true, engine: 'llvmpipe, software' })).toMatch(/--matrix/)
  expect(findingText({ ...training, works: false, reason: 'no adapter' })).not.toMatch(/--matrix/)
})

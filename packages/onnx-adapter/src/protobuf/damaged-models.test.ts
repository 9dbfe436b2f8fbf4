import { meshnet } from '@stochseg/backbones'
import { ModelError, ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { exportOnnx } from '../export-onnx'
import { randomWeights } from '../random-network'
import { withoutSampler } from '../sampler-graph/without-sampler'
import { prepareForWebgpu } from '../webgpu/prepare-model'
import { inlineExternalData } from './external-data'
import { readGraph } from './read-graph'
import { renameTensors } from './rename-tensors'
import { rewriteModel } from './rewrite-model'
import { type WireField, wireFields } from './wire-reader'
import { WireWriter } from './wire-writer'

const spec = meshnet({ inputChannels: 1, width: 2, dilations: [1] })
const head = ssnHead({ classes: 2, rank: 1 })
const weights = randomWeights(spec, head, 1)
const model = exportOnnx({ spec, head, weights, sampler: { noise: 'inputs' } })

/** The message with one field, down to a depth, of the other kind: a number in place of bytes, bytes in place of a number. */
function* damaged(message: Uint8Array, depth: number): Generator<Uint8Array> {
  const fields = fieldsOf(message)
  for (const [index, { number, value }] of fields.entries()) {
    const inside = typeof value === 'bigint' || depth === 0 ? [] : damaged(value, depth - 1)
    for (const other of [typeof value === 'bigint' ? Uint8Array.of(8, 1) : 1n, ...inside]) {
      const writer = new WireWriter()
      for (const field of fields.with(index, { number, value: other })) writer.copy(field)
      yield writer.finish()
    }
  }
}

/** None for text and numbers. */
function fieldsOf(message: Uint8Array): WireField[] {
  try {
    return [...wireFields(message)]
  } catch {
    return []
  }
}

describe('damaged models', () => {
  it.each<[string, (bytes: Uint8Array) => unknown]>([
    ['readGraph', readGraph],
    ['withoutSampler', withoutSampler],
    ['prepareForWebgpu', prepareForWebgpu],
    ['inlineExternalData', (bytes) => inlineExternalData(bytes)],
    ['renameTensors', (bytes) => renameTensors(bytes, (name) => `${name}.renamed`)],
    ['rewriteModel', (bytes) => rewriteModel(bytes, { inputs: [], outputs: [], constants: [] })],
  ])('%s throws nothing but a ModelError, whatever is no message', async (_, work) => {
    await work(model)
    const errors: unknown[] = []
    for (const bytes of damaged(model, 3)) {
      try {
        await work(bytes)
      } catch (error) {
        errors.push(error)
      }
    }
    expect(errors.length).toBeGreaterThan(2)
    for (const error of errors) expect(error).toBeInstanceOf(ModelError)
  })
})

// Convolution kernels stored as float16: half the file, the same arithmetic.
import { float16Bits, ModelError } from '@stochseg/core'
import type { OnnxInitializer } from './protobuf/onnx-model'
import type { GraphPart } from './spec-graph'

/** The largest number that float16 holds. */
const LARGEST = 65504

/**
 * The graph with its kernels (arrays of 3 axes and more) in float16, each behind a Cast to float32, so that every runtime
 * takes it and only the weights are rounded, by at most 2⁻¹¹ of their size (2⁻²⁵ where they are below 2⁻¹⁴).
 *
 * Biases and normalisation stay float32. Throws {@link ModelError} for a weight that float16 cannot hold.
 */
export function float16Weights({ nodes, constants }: GraphPart): GraphPart {
  const kernels = new Set(constants.filter(isKernel).map(({ name }) => name))
  const expanded = (name: string): string => (kernels.has(name) ? `${name}.float32` : name)
  const casts = [...kernels].map((name) => ({
    name: expanded(name),
    operation: 'Cast',
    inputs: [name],
    outputs: [expanded(name)],
    attributes: { to: { int: 1 } },
  }))
  return {
    nodes: [...casts, ...nodes.map((node) => ({ ...node, inputs: node.inputs.map(expanded) }))],
    constants: constants.map((constant) => (isKernel(constant) ? halved(constant) : constant)),
  }
}

function isKernel({ shape, data }: OnnxInitializer): boolean {
  return data instanceof Float32Array && shape.length >= 3
}

function halved({ name, shape, data }: OnnxInitializer): OnnxInitializer {
  const values = data as Float32Array
  const large = values.findIndex((value) => Math.abs(value) > LARGEST)
  if (large >= 0) {
    throw new ModelError(`weight '${name}'`, {
      found: `${values[large]} at index ${large}`,
      expected: `numbers up to ${LARGEST}, which float16 can hold`,
      remedy: 'Export with float32 weights',
    })
  }
  return { name, shape, data: Uint16Array.from(values, float16Bits) }
}

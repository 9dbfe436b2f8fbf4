// Weights in and out of a layers model, between the canonical names and layout and TF.js' own:
// kernels [out, in, *kernel] ↔ [*kernel, in, out]; a shared PReLU slope [1] ↔ [1, …, 1].
import { checkWeights, type NetworkSpec, parametersOf } from '@stochseg/backbones'
import type { SsnHead, Weight, Weights } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers'

/** One parameter of the network with the TF.js variable that holds it. */
export interface ModelParameter {
  readonly name: string
  /** Canonical shape. */
  readonly shape: readonly number[]
  readonly trainable: boolean
  readonly variable: LayerVariable
}

/** Every parameter in the network's stable order. */
export function modelParameters(model: LayersModel, spec: NetworkSpec, head: SsnHead): ModelParameter[] {
  // A layer lists its variables in the order in which the network lists the node's parameters.
  const used = new Map<string, number>()
  return parametersOf(spec, head).map(({ name, shape, trainable }) => {
    const node = name.slice(0, name.lastIndexOf('.'))
    const index = used.get(node) ?? 0
    used.set(node, index + 1)
    return { name, shape, trainable, variable: model.getLayer(node).weights[index]! }
  })
}

/** Copies weights into the model. Throws `ModelError` unless names and shapes are the network's. */
export function setModelWeights(
  model: LayersModel,
  spec: NetworkSpec,
  head: SsnHead,
  weights: Weights,
): void {
  checkWeights(spec, head, weights)
  for (const { name, variable } of modelParameters(model, spec, head)) {
    const { data, shape } = weights.get(name)!
    tf.tidy(() => {
      variable.write(tf.tensor(toTfjsLayout(data, shape), variable.shape as number[]))
    })
  }
}

/** Copies weights out of the model. */
export async function modelWeights(model: LayersModel, spec: NetworkSpec, head: SsnHead): Promise<Weights> {
  const weights = new Map<string, Weight>()
  for (const { name, shape, variable } of modelParameters(model, spec, head)) {
    const data = (await variable.read().data()) as Float32Array
    weights.set(name, { shape, data: fromTfjsLayout(data, shape) })
  }
  return weights
}

/** `[out, in, *kernel]` to `[*kernel, in, out]`; any other array is copied as it is. */
export function toTfjsLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length < 3) return data.slice()
  const [outputs, inputs, offsets] = convolutionSizes(shape)
  const result = new Float32Array(data.length)
  for (let output = 0, index = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      for (let offset = 0; offset < offsets; offset++, index++) {
        result[(offset * inputs + input) * outputs + output] = data[index]!
      }
    }
  }
  return result
}

/** The inverse of {@link toTfjsLayout}; `shape` is the canonical one. */
export function fromTfjsLayout(data: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length < 3) return data.slice()
  const [outputs, inputs, offsets] = convolutionSizes(shape)
  const result = new Float32Array(data.length)
  for (let output = 0, index = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      for (let offset = 0; offset < offsets; offset++, index++) {
        result[index] = data[(offset * inputs + input) * outputs + output]!
      }
    }
  }
  return result
}

function convolutionSizes(shape: readonly number[]): [outputs: number, inputs: number, offsets: number] {
  return [shape[0]!, shape[1]!, shape.slice(2).reduce((product, size) => product * size, 1)]
}

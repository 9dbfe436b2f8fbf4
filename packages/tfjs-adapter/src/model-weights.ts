// Weights in and out of a layers model, between the canonical names and layout and TF.js' own:
// kernels [out, in, *kernel] ↔ [*kernel, in, out].
import { checkParameters, type NetworkSpec, parametersOf } from '@stochseg/backbones'
import type { SsnHead, Weight, Weights } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'

/** One parameter of a network with the TF.js variable that holds it. */
export interface ModelParameter {
  readonly name: string
  /** Canonical shape. */
  readonly shape: readonly number[]
  readonly trainable: boolean
  readonly variable: tf.Variable
}

/** Every parameter of a built spec, in the network's stable order. */
export function specParameters(model: LayersModel, spec: NetworkSpec, head: SsnHead): ModelParameter[] {
  // A layer lists its variables in the order in which the network lists the node's parameters.
  const used = new Map<string, number>()
  return parametersOf(spec, head).map(({ name, shape, trainable }) => {
    const node = name.slice(0, name.lastIndexOf('.'))
    const index = used.get(node) ?? 0
    used.set(node, index + 1)
    const variable = model.getLayer(node).weights[index]!.read() as tf.Variable
    return { name, shape, trainable, variable }
  })
}

/** Copies weights into a model. Throws `ModelError` unless names and shapes are the parameters'. */
export function setWeights(parameters: readonly ModelParameter[], weights: Weights): void {
  checkParameters('network', parameters, weights)
  for (const { name, variable } of parameters) {
    const { data, shape } = weights.get(name)!
    tf.tidy(() => {
      variable.assign(tf.tensor(toTfjsLayout(data, shape), variable.shape))
    })
  }
}

/** Copies weights out of a model. */
export async function getWeights(parameters: readonly ModelParameter[]): Promise<Weights> {
  const weights = new Map<string, Weight>()
  for (const { name, shape, variable } of parameters) {
    const data = (await variable.data()) as Float32Array
    weights.set(name, { shape, data: fromTfjsLayout(data, shape) })
  }
  return weights
}

/** The canonical shape of a TF.js variable: its last two axes, inputs and outputs, come first, the other way round. */
export function canonicalShape(shape: readonly number[]): number[] {
  return shape.length < 3 ? [...shape] : [shape.at(-1)!, shape.at(-2)!, ...shape.slice(0, -2)]
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

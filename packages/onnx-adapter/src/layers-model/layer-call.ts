// One application of a layer of a TF.js model, to be emitted as nodes on planar tensors.
import { ModelError } from '@stochseg/core'
import type { GraphBuilder } from '../graph-builder'
import type { StoredWeight } from '../tfjs-weights'
import type { StoredLayer } from './layers-model-artefacts'

/** A tensor of the graph: `[N, C, *S]`, or `[N, C]`. */
export interface PlanarTensor {
  readonly name: string
  /** Batch and channels included. */
  readonly axes: number
  readonly channels: number
}

/** What a layer is emitted from. */
export interface LayerCall {
  readonly graph: GraphBuilder
  readonly layer: StoredLayer
  readonly inputs: readonly PlanarTensor[]
  /** The name of its output tensor. */
  readonly output: string
  /** Whether dilated depthwise convolutions are dilated; undefined where nobody said. */
  readonly depthwiseDilation: boolean | undefined
  /** A weight of the layer, in TF.js' layout. */
  readonly weights: (part: string) => StoredWeight
}

/** Emits a layer's nodes. */
export type EmitLayer = (call: LayerCall) => PlanarTensor

/** The layer's first input. */
export function inputOf({ inputs }: LayerCall): PlanarTensor {
  return inputs[0]!
}

/** Spatial axes of a layer's input. */
export function dimensionsOf(call: LayerCall): number {
  return inputOf(call).axes - 2
}

/** One number for each spatial axis, from a number, a list, or nothing. */
export function perAxis(call: LayerCall, key: string, otherwise?: readonly number[]): readonly number[] {
  const value = call.layer.config[key]
  const dimensions = dimensionsOf(call)
  if (value === undefined || value === null) return otherwise ?? Array<number>(dimensions).fill(1)
  const values = [value].flat() as number[]
  if (values.length === dimensions) return values
  if (values.length === 1) return Array<number>(dimensions).fill(values[0]!)
  throw layerError(call, `${key} [${values}]`, `${dimensions} numbers`)
}

/** A weight as a constant of the graph, under the layer's name: one for all applications of the layer. */
export function constantOf({ graph, layer }: LayerCall, part: string, { data, shape }: StoredWeight): string {
  const constant = `${layer.name}.${part}`
  const isThere = graph.constants.some(({ name }) => name === constant)
  return isThere ? constant : graph.floats(data, shape, constant)
}

/** A setting that cannot be exported. */
export function layerError({ layer }: LayerCall, found: string, expected: string): ModelError {
  return new ModelError(`${layer.className} layer '${layer.name}'`, {
    found,
    expected,
    remedy: 'Replace the layer, or convert the model by another tool and wrap the .onnx file',
  })
}

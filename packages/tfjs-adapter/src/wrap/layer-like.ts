// A new layer of the class and settings of another.
import type { layers } from '@tensorflow/tfjs-layers'

/** A layer that differs from `layer` in `changes` of its configuration, and in its weights, which start anew. */
export function layerLike(layer: layers.Layer, changes: Readonly<Record<string, unknown>>): layers.Layer {
  const LayerClass = layer.constructor as unknown as new (config: object) => layers.Layer
  // SeparableConv2D leaves it out of its configuration.
  const { depthMultiplier } = layer as { readonly depthMultiplier?: number }
  const own = depthMultiplier === undefined ? {} : { depthMultiplier }
  return new LayerClass({ ...layer.getConfig(), ...own, ...changes })
}

// The parameters of a user's model under the names and in the layout in which weights travel.
import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel, LayerVariable, layers } from '@tensorflow/tfjs-layers'
import { canonicalShape, type ModelParameter } from '../model-weights'

/**
 * Every parameter of a model, named `<layer>.<weight>`, e.g. `conv2d_3.kernel`.
 *
 * @param isTrained of a weight of a layer; what a layer does not train by itself is never trained.
 */
export function layerParameters(
  model: LayersModel,
  isTrained: (layer: layers.Layer, weight: LayerVariable) => boolean = () => true,
): ModelParameter[] {
  return model.layers.flatMap((layer) =>
    layer.weights.map((weight) => {
      const path = weight.originalName.split('/')
      return {
        name: (path[0] === layer.name ? path : [layer.name, ...path]).join('.'),
        shape: canonicalShape(weight.shape as number[]),
        trainable: isTrained(layer, weight) && layer.trainableWeights.includes(weight),
        variable: weight.read() as tf.Variable,
      }
    }),
  )
}

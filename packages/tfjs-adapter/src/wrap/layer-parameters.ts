// The parameters of a user's model under the names and in the layout in which weights travel.
import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel, layers } from '@tensorflow/tfjs-layers'
import { canonicalShape, type ModelParameter } from '../model-weights'
import { isHead } from './head-outputs'

/**
 * Every parameter of a model, named `<layer>.<weight>`, e.g. `conv2d_3.kernel`; a head's kernels are `head.mean.weight` and so
 * on, as everywhere.
 *
 * @param isTrained of a layer; what a layer does not train by itself is never trained.
 */
export function layerParameters(
  model: LayersModel,
  isTrained: (layer: layers.Layer) => boolean = () => true,
): ModelParameter[] {
  return model.layers.flatMap((layer) =>
    layer.weights.map((weight) => {
      const path = weight.originalName.split('/')
      const parts = path[0] === layer.name ? path.slice(1) : path
      if (isHead(layer) && parts.at(-1) === 'kernel') parts.splice(-1, 1, 'weight')
      return {
        name: [layer.name, ...parts].join('.'),
        shape: canonicalShape(weight.shape as number[]),
        trainable: isTrained(layer) && layer.trainableWeights.includes(weight),
        variable: weight.read() as tf.Variable,
      }
    }),
  )
}

// Models inside models, opened: a head may have to go inside them, and each of their layers is checked, trained and named by
// itself.
import { ModelError } from '@stochseg/core'
import { LayersModel, type layers, model as layersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers'

/** The layer that gives a tensor. */
export function layerOf(tensor: SymbolicTensor): layers.Layer {
  return tensor.sourceLayer as layers.Layer
}

/** Every tensor that these are computed from, themselves included; not what lies before a layer at which to stop. */
export function tensorsBehind(
  outputs: readonly SymbolicTensor[],
  stop: (layer: layers.Layer) => boolean = () => false,
): SymbolicTensor[] {
  const seen = new Map<number, SymbolicTensor>()
  const open = [...outputs]
  for (let tensor = open.pop(); tensor; tensor = open.pop()) {
    if (seen.has(tensor.id)) continue
    seen.set(tensor.id, tensor)
    if (!stop(layerOf(tensor))) open.push(...tensor.inputs)
  }
  return [...seen.values()]
}

/**
 * The same network without models among its layers; the given one where there are none. Layers are shared.
 *
 * Throws {@link ModelError} where layers of several models have the same name.
 */
export function openNested(model: LayersModel): LayersModel {
  if (!tensorsBehind(model.outputs).some((tensor) => isModel(layerOf(tensor)))) return model
  const outputs = openTensors(model.outputs, new Map())
  checkNames(model, outputs)
  return layersModel({ inputs: model.inputs, outputs, name: model.name })
}

/** @param opened what each tensor of a model has become; of a model inside, its inputs to begin with. */
function openTensors(
  outputs: readonly SymbolicTensor[],
  opened: Map<number, SymbolicTensor>,
): SymbolicTensor[] {
  const open = (tensor: SymbolicTensor): SymbolicTensor => {
    const known = opened.get(tensor.id)
    if (known) return known
    const layer = layerOf(tensor)
    const siblings = layer.inboundNodes[tensor.nodeIndex]!.outputTensors
    const inputs = tensor.inputs.map(open)
    const results = isModel(layer)
      ? openTensors(layer.outputs, new Map(layer.inputs.map(({ id }, index) => [id, inputs[index]!])))
      : inputs.every((input, index) => input === tensor.inputs[index])
        ? siblings
        : [layer.apply(inputs.length === 1 ? inputs[0]! : inputs, tensor.callArgs)].flat()
    for (const [index, { id }] of siblings.entries()) opened.set(id, results[index] as SymbolicTensor)
    return opened.get(tensor.id)!
  }
  return outputs.map(open)
}

function checkNames(model: LayersModel, outputs: readonly SymbolicTensor[]): void {
  const layersFound = new Set(tensorsBehind(outputs).map(layerOf))
  const names = [...layersFound].map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new ModelError(`network '${model.name}'`, {
    found: `layers of two of its models called '${twice}'`,
    expected: 'a name of its own for each layer, since a wrapped network has no models inside',
    remedy: 'Rename one of them before its model is built or loaded',
  })
}

/** The layers that a model trains, those of the models inside it included: not what is frozen, or lies in what is. */
export function trainedLayers(model: LayersModel): Set<layers.Layer> {
  if (!model.trainable) return new Set()
  return new Set(
    model.layers.flatMap((layer) => {
      if (isModel(layer)) return [...trainedLayers(layer)]
      return layer.trainable ? [layer] : []
    }),
  )
}

function isModel(layer: layers.Layer): layer is LayersModel {
  return layer instanceof LayersModel
}

// From a NetworkSpec to a TF.js layers model: one layer a node, under the node's name.
import {
  type ActivationNode,
  auxiliaryNodes,
  type ConvolutionNode,
  headNodes,
  type NetworkNode,
  type NetworkSpec,
} from '@stochseg/backbones'
import type { SsnHead, Weights } from '@stochseg/core'
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers'
import type { DropoutSource } from './dropout-source'
import { ActivationLayer } from './layers/activation-layer'
import { BatchNormalisationLayer } from './layers/batch-normalisation-layer'
import { DilatedConvolutionLayer } from './layers/dilated-convolution-layer'
import { GroupNormalisationLayer } from './layers/group-normalisation-layer'
import { OperationLayer } from './layers/operation-layer'
import { TransposedConvolutionLayer } from './layers/transposed-convolution-layer'
import { setWeights, specParameters } from './model-weights'

/**
 * A network with its head as a layers model of images `[N, *S, channels]` in any size that fits the spec.
 *
 * Its outputs are the head's 1×1 convolutions `head.mean` `[N, *S, C]` and, by the head's kind, `head.logDiagonal`
 * `[N, *S, C]` and `head.factor` `[N, *S, C·R]` (channel c·R + r); then the spec's auxiliary heads, `[N, *S, C]` each.
 *
 * @param dropout where dropout layers take their seeds from.
 */
export function buildModel(
  spec: NetworkSpec,
  head: SsnHead,
  weights: Weights,
  dropout: DropoutSource = { seed: 0, stream: 0 },
): LayersModel {
  const { inputs, tensors } = applyNodes(spec, dropout)
  const outputs = [...headNodes(spec, head), ...auxiliaryNodes(spec, head)].map(
    (node) => convolution(node).apply(tensors.get(node.inputs[0]!)!) as SymbolicTensor,
  )
  const built = model({ inputs, outputs, name: spec.name })
  setWeights(specParameters(built, spec, head), weights)
  return built
}

/** A layer for each node, applied to new inputs; the tensors by name. */
export function applyNodes(
  spec: Pick<NetworkSpec, 'dimensions' | 'inputs' | 'nodes'>,
  dropout: DropoutSource,
): { readonly inputs: SymbolicTensor[]; readonly tensors: ReadonlyMap<string, SymbolicTensor> } {
  const anySize = Array<null>(spec.dimensions).fill(null)
  const inputs = spec.inputs.map(({ name, channels }) => input({ shape: [...anySize, channels], name }))
  const tensors = new Map(spec.inputs.map(({ name }, index) => [name, inputs[index]!]))
  for (const node of spec.nodes) {
    const read = node.inputs.map((name) => tensors.get(name)!)
    const layer = layerOf(node, spec.dimensions, dropout)
    tensors.set(node.name, layer.apply(read.length === 1 ? read[0]! : read) as SymbolicTensor)
  }
  return { inputs, tensors }
}

function layerOf(node: NetworkNode, dimensions: 2 | 3, dropout: DropoutSource): layers.Layer {
  const { name } = node
  switch (node.op) {
    case 'convolution':
      return convolution(node)
    case 'transposedConvolution':
      return new TransposedConvolutionLayer({ node })
    case 'groupNorm':
      return new GroupNormalisationLayer({ node })
    case 'batchNorm':
      return new BatchNormalisationLayer({ node })
    case 'activation':
      return activation(node)
    case 'pool': {
      const config = { name, poolSize: node.window as never, strides: node.window as never }
      if (dimensions === 2) {
        return node.kind === 'max' ? layers.maxPooling2d(config) : layers.averagePooling2d(config)
      }
      return node.kind === 'max' ? layers.maxPooling3d(config) : layers.averagePooling3d(config)
    }
    case 'upsample':
    case 'crop':
    case 'slice':
    case 'dropout':
      return new OperationLayer({ node, dropout })
    case 'concat':
      return layers.concatenate({ name, axis: -1 })
    case 'add':
      return layers.add({ name })
  }
}

function convolution(node: ConvolutionNode): layers.Layer {
  if (node.dilation?.some((step) => step > 1)) return new DilatedConvolutionLayer({ node })
  const config = {
    name: node.name,
    filters: node.channels,
    kernelSize: node.kernel as never,
    strides: (node.stride ?? 1) as never,
    padding: node.padding,
    useBias: node.bias,
    kernelInitializer: 'zeros' as const,
  }
  return node.kernel.length === 2 ? layers.conv2d(config) : layers.conv3d(config)
}

function activation(node: ActivationNode): layers.Layer {
  switch (node.function) {
    case 'relu':
    case 'leakyRelu':
    case 'prelu':
      return new ActivationLayer({ node })
    case 'sigmoid':
    case 'tanh':
      return layers.activation({ name: node.name, activation: node.function })
  }
}

// The layers that @stochseg/tfjs-adapter adds to TF.js: each is saved with the spec's node that it computes.
import type { NetworkNode } from '@stochseg/backbones'
import { onnxNode } from '../spec-graph'
import { planarKernel } from '../tfjs-weights'
import { dimensionsOf, type EmitLayer, inputOf } from './layer-call'

/** Parts of each operation's weights in a spec, with what the layers call them. */
const PARTS: Readonly<Partial<Record<NetworkNode['op'], Readonly<Record<string, string>>>>> = {
  convolution: { weight: 'kernel', bias: 'bias' },
  transposedConvolution: { weight: 'kernel', bias: 'bias' },
  batchNorm: { scale: 'scale', bias: 'bias', mean: 'mean', variance: 'variance' },
  groupNorm: { scale: 'scale', bias: 'bias' },
}

/** A layer whose configuration holds a spec's `node`. */
export const emitStochsegLayer: EmitLayer = (call) => {
  const { graph, layer, output } = call
  const input = inputOf(call)
  const saved = layer.config.node as NetworkNode
  // TF.js writes text in Python's spelling: group_norm.
  const op = saved.op.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const node = { ...saved, op, name: output, inputs: [input.name] } as NetworkNode
  const withoutBias = 'bias' in node && node.bias === false
  for (const [part, stored] of Object.entries(PARTS[node.op] ?? {})) {
    if (part === 'bias' && withoutBias) continue
    const weight = call.weights(stored)
    const { shape, data } = weight.shape.length > 2 ? planarKernel(weight) : weight
    graph.floats(data, shape, `${output}.${part}`)
  }
  const { nodes, constants } = onnxNode(node, input.channels, dimensionsOf(call))
  graph.append(nodes, constants)
  return { name: output, axes: input.axes, channels: 'channels' in node ? node.channels : input.channels }
}

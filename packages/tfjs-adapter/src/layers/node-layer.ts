// What our layers have in common: each computes one node of a spec, and is saved as that node.
import type { NetworkNode } from '@stochseg/backbones'
import type { serialization } from '@tensorflow/tfjs-core'
import { layers } from '@tensorflow/tfjs-layers'

/** A layer under its node's name. Once registered ({@link registerLayers}), TF.js can load what it saved. */
export abstract class NodeLayer<Node extends NetworkNode> extends layers.Layer {
  protected readonly node: Node

  constructor({ node }: { readonly node: Node }) {
    super({ name: node.name })
    this.node = node
  }

  override getConfig(): serialization.ConfigDict {
    // What it reads, a saved model says by itself.
    const node = { ...this.node, inputs: [] } as unknown as serialization.ConfigDict
    return { ...super.getConfig(), node }
  }
}

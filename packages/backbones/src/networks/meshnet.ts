// MeshNet (Fedorov et al. 2017): a stack of dilated convolutions at full resolution, small and far-sighted.
import { ValueError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'

/** A MeshNet's shape. */
export interface MeshnetOptions {
  readonly dimensions?: 2 | 3
  readonly inputChannels: number
  /** Channels of every convolution; 5 unless given, as in the networks for brain extraction that browsers run. */
  readonly width?: number
  /** Dilation of each 3-wide convolution; 1, 2, 4, 8, 16, 8, 4, 2, 1 unless given. */
  readonly dilations?: readonly number[]
  /** Batch normalisation after every convolution, or biases alone (the default). */
  readonly normalisation?: 'batch' | 'none'
}

/**
 * A MeshNet as data: any image size, the output as large as the input.
 *
 * With the defaults an output voxel sees 93 voxels along each axis. Throws {@link ValueError} for no convolutions and
 * another normalisation.
 */
export function meshnet(options: MeshnetOptions): NetworkSpec {
  const { dimensions = 3, inputChannels, width = 5, normalisation = 'none' } = options
  const { dilations = [1, 2, 4, 8, 16, 8, 4, 2, 1] } = options
  if (dilations.length === 0) {
    throw new ValueError('MeshNet', {
      found: 'no dilations',
      expected: 'at least one',
      remedy: 'Give one for each convolution, e.g. [1, 2, 4, 2, 1]',
    })
  }
  if (normalisation !== 'batch' && normalisation !== 'none') {
    throw new ValueError('MeshNet normalisation', {
      found: String(normalisation satisfies never),
      expected: 'batch or none',
      remedy: 'Choose one of them',
    })
  }
  const perAxis = (value: number): number[] => Array(dimensions).fill(value)
  const nodes: NetworkNode[] = []
  let features = 'image'
  const append = (node: NetworkNode): void => {
    nodes.push(node)
    features = node.name
  }
  dilations.forEach((dilation, index) => {
    append({
      op: 'convolution',
      name: `conv${index}`,
      inputs: [features],
      channels: width,
      kernel: perAxis(3),
      dilation: perAxis(dilation),
      padding: 'same',
      bias: normalisation === 'none',
    })
    if (normalisation === 'batch') {
      append({ op: 'batchNorm', name: `norm${index}`, inputs: [features], epsilon: 1e-3, momentum: 0.99 })
    }
    append({ op: 'activation', name: `relu${index}`, inputs: [features], function: 'relu' })
  })
  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'meshnet',
    dimensions,
    inputs: [{ name: 'image', channels: inputChannels }],
    nodes,
    features,
  })
}

// The U-Net (Ronneberger et al. 2015) of any depth and width, and the one of the SSN paper's LIDC experiment.
import { ValueError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { networkSpec } from './validate'

/** A U-Net's shape. */
export interface UnetOptions {
  readonly dimensions?: 2 | 3
  readonly inputChannels: number
  /** Channels of each level, full resolution first. Between two levels the resolution halves. */
  readonly widths: readonly number[]
  /** 3-wide convolutions in each level, on the way down and on the way up; 2 unless given. */
  readonly convolutionsPerLevel?: number
  /** Batch normalisation after every convolution (momentum 0.99, epsilon 1e-3), or biases instead. */
  readonly normalisation?: 'batch' | 'none'
  readonly pool?: 'average' | 'max'
  readonly upsampling?: 'linear' | 'nearest'
  /** 1-wide convolutions between the last level and the head. */
  readonly headConvolutions?: { readonly count: number; readonly width: number }
}

/**
 * A U-Net as data. Image sizes must be multiples of 2^(levels − 1).
 *
 * Each level is `convolutionsPerLevel` × (convolution, normalisation, ReLU). On the way up a level reads its skip
 * connection and the up-sampled deeper level, and has the deeper level's width (as the SSN paper's code does).
 * Throws {@link ValueError} for options that make no U-Net.
 */
export function unet(options: UnetOptions): NetworkSpec {
  const { dimensions = 2, inputChannels, widths, convolutionsPerLevel = 2 } = options
  const { normalisation = 'batch', pool = 'average', upsampling = 'linear' } = options
  if (widths.length === 0 || !(convolutionsPerLevel >= 1)) {
    throw new ValueError('U-Net', {
      found: `${widths.length} levels of ${convolutionsPerLevel} convolutions`,
      expected: 'at least 1 of each',
      remedy: 'Give a width for each level, e.g. [32, 64, 128]',
    })
  }

  const nodes: NetworkNode[] = []
  let features = 'image'
  const append = (node: NetworkNode): void => {
    nodes.push(node)
    features = node.name
  }
  const perAxis = (value: number): number[] => Array(dimensions).fill(value)

  const level = (name: string, channels: number, count = convolutionsPerLevel, kernel = 3): void => {
    for (let index = 0; index < count; index++) {
      append({
        op: 'convolution',
        name: `${name}.conv${index}`,
        inputs: [features],
        channels,
        kernel: perAxis(kernel),
        padding: 'same',
        bias: normalisation === 'none',
      })
      if (normalisation === 'batch') {
        const inputs = [features]
        append({ op: 'batchNorm', name: `${name}.norm${index}`, inputs, epsilon: 1e-3, momentum: 0.99 })
      }
      append({ op: 'activation', name: `${name}.relu${index}`, inputs: [features], function: 'relu' })
    }
  }

  const skips: string[] = []
  widths.forEach((width, depth) => {
    if (depth > 0) {
      skips.push(features)
      append({ op: 'pool', name: `down${depth}.pool`, inputs: [features], kind: pool, window: perAxis(2) })
    }
    level(`down${depth}`, width)
  })
  for (let depth = widths.length - 2; depth >= 0; depth--) {
    const name = `up${depth}`
    append({
      op: 'upsample',
      name: `${name}.upsample`,
      inputs: [features],
      kind: upsampling,
      factor: perAxis(2),
    })
    append({ op: 'concat', name: `${name}.concat`, inputs: [skips[depth]!, features] })
    level(name, widths[depth + 1]!)
  }
  level('last', options.headConvolutions?.width ?? 0, options.headConvolutions?.count ?? 0, 1)

  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'unet',
    dimensions,
    inputs: [{ name: 'image', channels: inputChannels }],
    nodes,
    features,
  })
}

/**
 * The U-Net of the SSN paper's LIDC experiment (Monteiro et al. 2020, released code), 10,319,776 trainable parameters
 * without its head. Image sizes must be multiples of 64.
 */
export function unetLidc(inputChannels = 1): NetworkSpec {
  return unet({
    inputChannels,
    widths: [32, 64, 128, 192, 192, 192, 192],
    convolutionsPerLevel: 3,
    normalisation: 'batch',
    pool: 'average',
    upsampling: 'linear',
    headConvolutions: { count: 3, width: 32 },
  })
}

// The U-Net (Ronneberger et al. 2015) of any depth and width, and the one of the SSN paper's LIDC experiment.
import { ValueError } from '@stochseg/core'
import type { ActivationNode, NetworkNode, NetworkSpec } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'

/** A U-Net's shape. */
export interface UnetOptions {
  readonly dimensions?: 2 | 3
  readonly inputChannels: number
  /** Channels of each level, full resolution first. Between two levels the resolution halves. */
  readonly widths: readonly number[]
  /** 3-wide convolutions in each level, on the way down and on the way up; 2 unless given. */
  readonly convolutionsPerLevel?: number
  /**
   * After every convolution: batch normalisation (momentum 0.99, epsilon 1e-3; the default), instance or group
   * normalisation (epsilon 1e-5), or biases instead.
   */
  readonly normalisation?: 'batch' | 'instance' | 'group' | 'none'
  /** Groups of `group` normalisation, which divide every width; 8 unless given. */
  readonly groups?: number
  /** `relu` unless given. */
  readonly activation?: ActivationNode['function']
  readonly pool?: 'average' | 'max'
  /** `transposed` is learnt and halves the channels as it doubles the resolution. */
  readonly upsampling?: 'linear' | 'nearest' | 'transposed'
  /**
   * Adds a level's input before its last activation, through a 1-wide convolution where the channels differ (He et al.
   * 2016); off unless given.
   */
  readonly residual?: boolean
  /**
   * Auxiliary heads on every level on the way up but the last, which learn the labels too in training, with the weights ½, ¼, …
   * from the second finest on (Lee et al. 2015); off unless given.
   */
  readonly deepSupervision?: boolean
  /** 1-wide convolutions between the last level and the head. */
  readonly headConvolutions?: { readonly count: number; readonly width: number }
}

/**
 * A U-Net as data. Image sizes must be multiples of 2^(levels − 1).
 *
 * Each level is `convolutionsPerLevel` × (convolution, normalisation, activation). On the way up a level reads its skip
 * connection and the up-sampled deeper level, and has the deeper level's width (as the SSN paper's code does).
 * Throws {@link ValueError} for options that make no U-Net.
 */
export function unet(options: UnetOptions): NetworkSpec {
  const { dimensions = 2, inputChannels, widths, convolutionsPerLevel = 2 } = options
  const { pool = 'average', upsampling = 'linear', headConvolutions, residual = false } = options
  const isCount = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least
  if (widths.length === 0 || !isCount(convolutionsPerLevel, 1) || !isCount(headConvolutions?.count ?? 0, 0)) {
    throw new ValueError('U-Net', {
      found: `${widths.length} levels of ${convolutionsPerLevel} convolutions, ${headConvolutions?.count ?? 0} before the head`,
      expected: 'at least 1 of each, and none or more before the head, in whole numbers',
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

  const convolution = (name: string, channels: number, kernel: number): void =>
    append({
      op: 'convolution',
      name,
      inputs: [features],
      channels,
      kernel: perAxis(kernel),
      padding: 'same',
      bias: (options.normalisation ?? 'batch') === 'none',
    })
  const normalise = (name: string, channels: number): void => {
    const node = normalisation(name, features, channels, options)
    if (node) append(node)
  }
  const activate = (level: string, index: number): void => {
    const kind = options.activation ?? 'relu'
    append({ op: 'activation', name: `${level}.${kind}${index}`, inputs: [features], function: kind })
  }
  const level = (name: string, from: number, channels: number): void => {
    const input = features
    for (let index = 0; index < convolutionsPerLevel; index++) {
      convolution(`${name}.conv${index}`, channels, 3)
      normalise(`${name}.norm${index}`, channels)
      if (residual && index === convolutionsPerLevel - 1) {
        const convolved = features
        features = input
        if (from !== channels) {
          convolution(`${name}.shortcut`, channels, 1)
          normalise(`${name}.shortcutNorm`, channels)
        }
        append({ op: 'add', name: `${name}.sum`, inputs: [convolved, features] })
      }
      activate(name, index)
    }
  }

  const skips: string[] = []
  widths.forEach((width, depth) => {
    if (depth > 0) {
      skips.push(features)
      append({ op: 'pool', name: `down${depth}.pool`, inputs: [features], kind: pool, window: perAxis(2) })
    }
    level(`down${depth}`, depth === 0 ? inputChannels : widths[depth - 1]!, width)
  })
  const auxiliary: { tensor: string; weight: number }[] = []
  for (let depth = widths.length - 2; depth >= 0; depth--) {
    const name = `up${depth}`
    const deeper = widths[Math.min(depth + 2, widths.length - 1)]!
    const shared = { name: `${name}.upsample`, inputs: [features], factor: perAxis(2) }
    const upsampled = upsampling === 'transposed' ? Math.max(1, Math.floor(deeper / 2)) : deeper
    append(
      upsampling === 'transposed'
        ? { ...shared, op: 'transposedConvolution', channels: upsampled, bias: true }
        : { ...shared, op: 'upsample', kind: upsampling },
    )
    append({ op: 'concat', name: `${name}.concat`, inputs: [skips[depth]!, features] })
    level(name, widths[depth]! + upsampled, widths[depth + 1]!)
    if (depth > 0) auxiliary.push({ tensor: features, weight: 0.5 ** depth })
  }
  for (let index = 0; index < (headConvolutions?.count ?? 0); index++) {
    convolution(`last.conv${index}`, headConvolutions!.width, 1)
    normalise(`last.norm${index}`, headConvolutions!.width)
    activate('last', index)
  }

  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'unet',
    dimensions,
    inputs: [{ name: 'image', channels: inputChannels }],
    nodes,
    features,
    ...(options.deepSupervision && auxiliary.length > 0 ? { auxiliary } : {}),
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

/** The node after a convolution, if any. */
function normalisation(
  name: string,
  input: string,
  channels: number,
  { normalisation = 'batch', groups = 8 }: Pick<UnetOptions, 'normalisation' | 'groups'>,
): NetworkNode | undefined {
  const shared = { name, inputs: [input] }
  switch (normalisation) {
    case 'batch':
      return { ...shared, op: 'batchNorm', epsilon: 1e-3, momentum: 0.99 }
    case 'instance':
      return { ...shared, op: 'groupNorm', groups: channels, epsilon: 1e-5 }
    case 'group':
      return { ...shared, op: 'groupNorm', groups, epsilon: 1e-5 }
    case 'none':
      return undefined
    default:
      throw new ValueError('U-Net normalisation', {
        found: String(normalisation satisfies never),
        expected: 'batch, instance, group or none',
        remedy: 'Choose one of them',
      })
  }
}

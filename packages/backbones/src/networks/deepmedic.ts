// DeepMedic (Kamnitsas et al. 2017): pathways that see the same place at several resolutions, and the one of the SSN
// paper's BraTS experiment.
import { ShapeError, ValueError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec, PerAxis } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'

/** A DeepMedic's shape. The defaults are the SSN paper's. */
export interface DeepmedicOptions {
  readonly dimensions?: 2 | 3
  readonly inputChannels: number
  /** How much each pathway shrinks what it sees, the coarsest first; 5, 3, 1 unless given. */
  readonly scaleFactors?: readonly number[]
  /** Channels of the valid 3-wide convolutions of every pathway; 30, 30, 40, 40, 40, 40, 50, 50 unless given. */
  readonly widths?: readonly number[]
  /** Channels of the 1-wide convolutions on all pathways together; 250, 250 unless given. */
  readonly jointWidths?: readonly number[]
  /** Rates of dropout before each 1-wide convolution, the last one's included; 0, 0.5, 0.5 unless given. */
  readonly dropout?: readonly number[]
  /**
   * Channels of the last 1-wide convolution, which the head reads after a ReLU; the pathways' last width unless given.
   * 0: the head takes that convolution's place, and like it has no bias (the paper's deterministic network).
   */
  readonly featureWidth?: number
}

const SCALE_FACTORS = [5, 3, 1]
const WIDTHS = [30, 30, 40, 40, 40, 40, 50, 50]

/**
 * DeepMedic as data. It reads one image; each pathway cuts out the middle that it needs.
 *
 * Convolutions are valid: with the defaults `110³ → 30³`, `140³ → 60³`, and the output lies 40 voxels inside the input.
 * A block is batch normalisation, dropout, PReLU with one slope, convolution without bias; a pathway's first block is the
 * convolution alone. Where a block's input and output have the same number of channels, its input's middle is added.
 * Throws {@link ValueError} for options that make no DeepMedic.
 */
export function deepmedic(options: DeepmedicOptions): NetworkSpec {
  const { dimensions = 3, inputChannels, jointWidths = [250, 250], dropout = [0, 0.5, 0.5] } = options
  const { scaleFactors = SCALE_FACTORS, widths = WIDTHS } = options
  const { featureWidth = widths.at(-1) ?? 0 } = options
  checkPathways(scaleFactors, widths)
  if (dropout.length !== jointWidths.length + 1) {
    throw new ValueError('DeepMedic dropout', {
      found: `${dropout.length} rates for ${jointWidths.length} joint convolutions`,
      expected: `${jointWidths.length + 1}: one for each, and one for the last`,
      remedy: 'Give a rate for each, 0 for none',
    })
  }

  const nodes: NetworkNode[] = []
  const append = (node: NetworkNode): string => {
    nodes.push(node)
    return node.name
  }
  const perAxis = (value: number): number[] => Array(dimensions).fill(value)
  const middle = (name: string, input: string, margin: number): string =>
    margin === 0
      ? input
      : append({ op: 'crop', name, inputs: [input], before: perAxis(margin), after: perAxis(margin) })

  const preactivation = (name: string, input: string, rate: number): string => {
    let features = append({
      op: 'batchNorm',
      name: `${name}.norm`,
      inputs: [input],
      epsilon: 1e-5,
      momentum: 0.9,
    })
    if (rate !== 0) features = append({ op: 'dropout', name: `${name}.dropout`, inputs: [features], rate })
    return append({ op: 'activation', name: `${name}.prelu`, inputs: [features], function: 'prelu' })
  }
  const convolution = (
    name: string,
    input: string,
    from: { readonly input: string; readonly channels: number },
    channels: number,
    width: 1 | 3,
  ): string => {
    const convolved = append({
      op: 'convolution',
      name: `${name}.conv`,
      inputs: [input],
      channels,
      kernel: perAxis(width),
      padding: 'valid',
      bias: false,
    })
    if (from.channels !== channels) return convolved
    const shortcut = middle(`${name}.shortcut`, from.input, (width - 1) / 2)
    return append({ op: 'add', name: `${name}.sum`, inputs: [convolved, shortcut] })
  }

  const pathway = (name: string, factor: number): string => {
    const margin = (scaleFactors[0]! - factor) * widths.length
    let features = middle(`${name}.middle`, 'image', margin)
    if (factor > 1) {
      features = append({
        op: 'slice',
        name: `${name}.shrunk`,
        inputs: [features],
        start: perAxis(Math.floor(factor / 2)),
        step: perAxis(factor),
      })
    }
    widths.forEach((width, index) => {
      const block = `${name}.block${index}`
      const from = { input: features, channels: index === 0 ? inputChannels : widths[index - 1]! }
      const activated = index === 0 ? features : preactivation(block, features, 0)
      features = convolution(block, activated, from, width, 3)
    })
    if (factor === 1) return features
    const up = `${name}.upsample`
    return append({ op: 'upsample', name: up, inputs: [features], kind: 'nearest', factor: perAxis(factor) })
  }

  const ends = scaleFactors.map((factor, index) => pathway(`path${index}`, factor))
  let features = ends.length === 1 ? ends[0]! : append({ op: 'concat', name: 'joint.concat', inputs: ends })
  let channels = widths.at(-1)! * ends.length
  const wide = featureWidth !== 0 ? [...jointWidths, featureWidth] : jointWidths
  wide.forEach((width, index) => {
    const block = `joint.block${index}`
    const activated = preactivation(block, features, dropout[index]!)
    features = convolution(block, activated, { input: features, channels }, width, 1)
    channels = width
  })
  features =
    featureWidth !== 0
      ? append({ op: 'activation', name: 'joint.relu', inputs: [features], function: 'relu' })
      : preactivation(`joint.block${jointWidths.length}`, features, dropout.at(-1)!)

  return networkSpec({
    format: 'stochseg.network',
    version: 1,
    name: 'deepmedic',
    dimensions,
    inputs: [{ name: 'image', channels: inputChannels }],
    nodes,
    features,
    ...(featureWidth !== 0 ? {} : { headBias: false }),
  })
}

/**
 * The DeepMedic of the SSN paper's BraTS experiment (Monteiro et al. 2020, released code), for 4 image channels.
 *
 * With 4 classes it has 1,051,012 parameters with the rank-10 head. For the deterministic head, say so: that network's
 * last block is the head itself, 1,037,064 parameters.
 */
export function deepmedicBrats(
  options: { readonly inputChannels?: number; readonly deterministic?: boolean } = {},
): NetworkSpec {
  const { inputChannels = 4, deterministic = false } = options
  return deepmedic({ inputChannels, ...(deterministic ? { featureWidth: 0 } : {}) })
}

/**
 * Input size of each pathway, the coarsest first, for an output of `output` voxels along each axis. The first is the
 * size of the image that the network reads: 30³ needs 110³, 78³ and 46³.
 *
 * Throws {@link ShapeError} where the output's blocks do not divide: lengths are multiples of 15 with the defaults.
 */
export function patchSizes(
  output: PerAxis,
  options: Pick<DeepmedicOptions, 'scaleFactors' | 'widths'> = {},
): number[][] {
  const { scaleFactors = SCALE_FACTORS, widths = WIDTHS } = options
  checkPathways(scaleFactors, widths)
  const block = scaleFactors.reduce(leastCommonMultiple)
  if (!output.every((length) => Number.isInteger(length) && length > 0 && length % block === 0)) {
    throw new ShapeError('DeepMedic output', {
      found: output.join(' × '),
      expected: `multiples of ${block}`,
      remedy: `Take ${output.map((length) => Math.max(1, Math.ceil(length / block)) * block).join(' × ')}`,
    })
  }
  return scaleFactors.map((factor) => output.map((length) => length + 2 * factor * widths.length))
}

function checkPathways(scaleFactors: readonly number[], widths: readonly number[]): void {
  const falling = scaleFactors.every(
    (factor, index) =>
      Number.isInteger(factor) && factor >= 1 && factor <= scaleFactors[Math.max(index - 1, 0)]!,
  )
  if (scaleFactors.length > 0 && falling && widths.length > 0) return
  throw new ValueError('DeepMedic', {
    found: `scale factors [${scaleFactors}] and ${widths.length} widths`,
    expected: 'whole scale factors, the largest first, and at least one width',
    remedy: 'The paper has scale factors 5, 3, 1 and eight widths',
  })
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = a
  while (multiple % b !== 0) multiple += a
  return multiple
}

// What an exported file says about its network beside the graph: ONNX `metadata_props`, strings by name.
//
// Names that begin with `stochseg.` are ours; all others are the user's properties (class names, normalisation, …).
import { type InputSizes, type NetworkSpec, networkSpec, type PerAxis } from '@stochseg/backbones'
import { type HeadKind, ModelError, type SsnHead, ssnHead, ValueError } from '@stochseg/core'

/** An SSN's description in its `.onnx` file. */
export interface ModelMetadata extends InputSizes {
  readonly head: SsnHead
  /** Name of the body, e.g. `unet`. */
  readonly backbone: string
  /** Channels of the image. */
  readonly channels: number
  readonly dimensions: 2 | 3
  readonly receptiveField: PerAxis
  /** Only images of exactly `minimumSize` fit: a file of fixed shapes. */
  readonly fixedSize?: true
  /** Only batches of exactly this many images fit. */
  readonly fixedBatch?: number
  /** The output `factor` has channel = r·C + c, as PyTorch code has it; c·R + r unless it says so. */
  readonly factorLayout?: 'rank-major'
  /** The outputs `sampleLogits` and `sampleLabels`: drawn from noise that is given, or from the runtime's own. */
  readonly sampler?: 'noise inputs' | 'random, not reproducible'
  /** The body; files of before version 0.1 and of foreign networks lack it. */
  readonly network?: NetworkSpec
  /** The user's own: class names, normalisation, where the weights come from, … */
  readonly properties: Readonly<Record<string, string>>
}

const PREFIX = 'stochseg.'
const FORMAT = '1'
const CLASS_MAJOR = 'channel = class * rank + component'
const RANK_MAJOR = 'channel = component * classes + class'

/** Metadata as names and strings. Throws {@link ValueError} for a property that is named like one of ours. */
export function encodeMetadata(metadata: ModelMetadata): Map<string, string> {
  const { head, backbone, channels, dimensions, minimumSize, multipleOf, receptiveField } = metadata
  const { network, properties, factorLayout, fixedSize, fixedBatch, sampler } = metadata
  const reserved = Object.keys(properties).find((name) => name.startsWith(PREFIX))
  if (reserved !== undefined) {
    throw new ValueError('model property', {
      found: `the name '${reserved}'`,
      expected: `a name that does not begin with '${PREFIX}'`,
      remedy: 'Choose another name',
    })
  }
  // The format comes last, so that a file which lost its end is seen to be incomplete.
  return new Map([
    ...Object.entries(properties),
    ...Object.entries({
      head: head.kind,
      classes: String(head.classes),
      rank: String(head.rank),
      epsilon: String(head.epsilon),
      factorLayout: factorLayout === 'rank-major' ? RANK_MAJOR : CLASS_MAJOR,
      backbone,
      channels: String(channels),
      dimensions: String(dimensions),
      minimumSize: minimumSize.join(' '),
      multipleOf: multipleOf.join(' '),
      receptiveField: receptiveField.join(' '),
      ...(fixedSize ? { fixedSize: 'true' } : {}),
      ...(fixedBatch === undefined ? {} : { fixedBatch: String(fixedBatch) }),
      ...(sampler ? { sampler } : {}),
      ...(network ? { network: JSON.stringify(network) } : {}),
      format: FORMAT,
    }).map(([name, value]): [string, string] => [PREFIX + name, value]),
  ])
}

/** Metadata from names and strings. Throws {@link ModelError} for entries that are missing or make no sense. */
export function decodeMetadata(entries: ReadonlyMap<string, string>): ModelMetadata {
  const text = (name: string): string => {
    const value = entries.get(PREFIX + name)
    if (value === undefined) throw metadataError(`no '${PREFIX}${name}'`, 'the metadata of an SSN')
    return value
  }
  const number = (name: string): number => {
    const value = Number(text(name))
    if (!Number.isFinite(value)) throw metadataError(`${PREFIX}${name} = '${text(name)}'`, 'a number')
    return value
  }
  if (text('format') !== FORMAT) throw metadataError(`format ${text('format')}`, `format ${FORMAT}`)
  const dimensions = number('dimensions')
  if (dimensions !== 2 && dimensions !== 3) throw metadataError(`${dimensions} dimensions`, '2 or 3')
  const channels = number('channels')
  if (!Number.isInteger(channels) || channels < 1) throw metadataError(`${channels} channels`, '1 or more')
  const perAxis = (name: string): number[] => {
    const values = text(name).split(' ').map(Number)
    if (values.length !== dimensions || !values.every((value) => Number.isInteger(value) && value > 0)) {
      throw metadataError(`${PREFIX}${name} = '${text(name)}'`, `${dimensions} whole numbers > 0`)
    }
    return values
  }
  return {
    head: decodeHead({
      kind: text('head') as HeadKind,
      classes: number('classes'),
      rank: number('rank'),
      epsilon: number('epsilon'),
    }),
    backbone: text('backbone'),
    channels,
    dimensions,
    minimumSize: perAxis('minimumSize'),
    multipleOf: perAxis('multipleOf'),
    receptiveField: perAxis('receptiveField'),
    ...(entries.get(`${PREFIX}fixedSize`) === 'true' ? { fixedSize: true } : {}),
    ...decodeFixedBatch(entries.get(`${PREFIX}fixedBatch`)),
    ...decodeFactorLayout(entries.get(`${PREFIX}factorLayout`)),
    ...decodeSampler(entries.get(`${PREFIX}sampler`)),
    ...decodeNetwork(entries.get(`${PREFIX}network`)),
    properties: Object.fromEntries([...entries].filter(([name]) => !name.startsWith(PREFIX))),
  }
}

/** Whether a file's metadata, names and strings, speak of a distribution: not where there are none, nor for a deterministic head. */
export function isStochastic(entries: ReadonlyMap<string, string>): boolean {
  return entries.has(`${PREFIX}format`) && entries.get(`${PREFIX}head`) !== 'deterministic'
}

function decodeFixedBatch(text: string | undefined): Pick<ModelMetadata, 'fixedBatch'> {
  if (text === undefined) return {}
  const fixedBatch = Number(text)
  if (Number.isInteger(fixedBatch) && fixedBatch >= 1) return { fixedBatch }
  throw metadataError(`${PREFIX}fixedBatch = '${text}'`, 'a whole number > 0')
}

function decodeFactorLayout(text = CLASS_MAJOR): Pick<ModelMetadata, 'factorLayout'> {
  if (text === CLASS_MAJOR) return {}
  if (text === RANK_MAJOR) return { factorLayout: 'rank-major' }
  throw metadataError(`${PREFIX}factorLayout = '${text}'`, `'${CLASS_MAJOR}' or '${RANK_MAJOR}'`)
}

function decodeSampler(text: string | undefined): Pick<ModelMetadata, 'sampler'> {
  if (text === undefined) return {}
  if (text === 'noise inputs' || text === 'random, not reproducible') return { sampler: text }
  throw metadataError(`${PREFIX}sampler = '${text}'`, "'noise inputs' or 'random, not reproducible'")
}

function decodeNetwork(json: string | undefined): { readonly network?: NetworkSpec } {
  if (json === undefined) return {}
  try {
    return { network: networkSpec(JSON.parse(json)) }
  } catch (cause) {
    throw metadataError(`${PREFIX}network that is none`, "the network's spec as JSON", cause)
  }
}

function decodeHead(head: SsnHead): SsnHead {
  if (!['low-rank', 'diagonal', 'deterministic'].includes(head.kind)) {
    throw metadataError(`head '${head.kind}'`, 'low-rank, diagonal or deterministic')
  }
  try {
    return ssnHead(head)
  } catch (cause) {
    throw metadataError(`a head of ${head.classes} classes and rank ${head.rank}`, 'an SSN head', cause)
  }
}

function metadataError(found: string, expected: string, cause?: unknown): ModelError {
  return new ModelError('ONNX metadata', {
    found,
    expected,
    remedy: 'Export the network with this version of stochseg',
    cause,
  })
}

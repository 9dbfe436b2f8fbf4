// Test support, in Node or in a page: samples on a device beside core's, for distributions of all kinds.
import {
  type LogitDistribution,
  logitDistribution,
  marginalEntropy,
  marginalProbabilities,
  sampleLabelMaps,
  standardNormals,
  voxelCount,
} from '@stochseg/core'
import { toDevice } from '../on-device/device-distribution'
import {
  type DeviceLabelMapOptions,
  marginalsOnDevice,
  sampleLabelMapsOnDevice,
} from '../on-device/sample-on-device'

/** How far a device is from core. */
export interface SamplingFinding {
  readonly name: string
  /** Labels compared, and those that differ. */
  readonly labels: number
  readonly different: number
  /** Share of labels that are not 0. */
  readonly foreground: number
  readonly probabilities: number
  readonly entropy: number
}

type Sizes = Pick<LogitDistribution, 'batch' | 'classes' | 'rank' | 'spatial'>

/** Samples every case on a device and by core. */
export async function samplingFindings(device: GPUDevice): Promise<SamplingFinding[]> {
  const findings: SamplingFinding[] = []
  for (const [name, sizes, options, noise] of cases()) {
    const distribution = random(sizes, noise)
    const resident = toDevice(device, distribution)
    const found = await sampleLabelMapsOnDevice(resident, options)
    const { roi: _, ...sampling } = options
    const marginals = await marginalsOnDevice(resident, sampling)
    resident.dispose()
    const expected = sampleLabelMaps(distribution, options)
    findings.push({
      name,
      labels: expected.length,
      different:
        found.length === expected.length
          ? count(found, (label, index) => label !== expected[index])
          : Number.NaN,
      foreground: count(expected, (label) => label > 0) / expected.length,
      probabilities: largestDifference(
        marginals.probabilities,
        marginalProbabilities(distribution, sampling),
      ),
      entropy: largestDifference(marginals.entropy, marginalEntropy(distribution, sampling)),
    })
  }
  return findings
}

/** How far means are apart, and the variance of every logit by itself: where noise rarely matters, and where it does. */
type Noise = Readonly<Record<'mean' | 'diagonal', number>>

const NOISY: Noise = { mean: 1, diagonal: 1 }
const QUIET: Noise = { mean: 8, diagonal: 1e-5 }

function cases(): [string, Sizes, DeviceLabelMapOptions, Noise?][] {
  const roi = Uint8Array.from(standardNormals(2 * 30 * 41, { seed: 9 }), (x) => (x > 0 ? 1 : 0))
  return [
    ['a slice', { batch: 1, classes: 2, rank: 10, spatial: [128, 128] }, { samples: 100, seed: 1 }],
    [
      'a slice of mostly certain voxels',
      { batch: 2, classes: 2, rank: 10, spatial: [64, 64] },
      { samples: 67, seed: 1 },
      QUIET,
    ],
    ['one certain class', { batch: 1, classes: 1, rank: 2, spatial: [77] }, { samples: 50, seed: 1 }, QUIET],
    ['a volume', { batch: 1, classes: 4, rank: 10, spatial: [19, 33, 27] }, { samples: 30, seed: 2 }],
    ['one class', { batch: 1, classes: 1, rank: 3, spatial: [50, 51] }, { samples: 20, seed: 3 }],
    ['rank 0', { batch: 2, classes: 3, rank: 0, spatial: [40, 40] }, { samples: 9, seed: 4 }],
    [
      'the largest seed, a stream, later samples, edits and a region of interest',
      { batch: 2, classes: 3, rank: 2, spatial: [30, 41] },
      {
        ...{ samples: 71, seed: 2 ** 53 - 1, stream: 2 ** 32 - 3, first: 2 ** 33 + 2, roi },
        edits: { temperature: 1.7, classScale: [1, -2, 0.5], componentScale: [3, -0.1] },
      },
    ],
  ]
}

function random(sizes: Sizes, { mean, diagonal }: Noise = NOISY): LogitDistribution {
  const logits = sizes.batch * sizes.classes * voxelCount(sizes.spatial)
  return logitDistribution({
    ...sizes,
    mean: standardNormals(logits, { seed: 1 }).map((x) => mean * x),
    factor: standardNormals(logits * sizes.rank, { seed: 2 }).map((x) => 0.3 * x),
    diagonal: standardNormals(logits, { seed: 3 }).map((x) => diagonal * Math.exp(x)),
  })
}

function count(labels: Uint8Array, counts: (label: number, index: number) => boolean): number {
  return labels.reduce((sum, label, index) => sum + (counts(label, index) ? 1 : 0), 0)
}

function largestDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.NaN
  return expected.reduce((most, value, index) => Math.max(most, Math.abs(value - found[index]!)), 0)
}

// Generalised energy distance, diversity and Hungarian-matched IoU, beside the energy distance alone in numpy.
// Run: npx tsx bench/metrics.ts [--small]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  logitDistribution,
  type SetMetrics,
  sampleLabelMaps,
  setMetrics,
  standardNormals,
} from '@stochseg/core'
import { readNpy } from '../scripts/read-npy'
import { referenceData } from '../scripts/reference-data'
import { machine, median, native, peer, report } from './harness'

/** Contestants take turns so many times. */
const ROUNDS = 5

interface Maps {
  readonly title: string
  /** `[M + K, *S]`. */
  readonly labels: Uint8Array
  readonly samples: number
  readonly classes: number
  readonly voxels: number
  /** Numpy's way pair by pair is timed on so many pairs only, and scaled up. */
  readonly pairs?: number
}

async function compare({ title, labels, samples, classes, voxels, pairs }: Maps): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stochseg-bench-'))
  const file = join(folder, 'labels.bin')
  writeFileSync(file, labels)
  const [drawn, raters] = [labels.subarray(0, samples * voxels), labels.subarray(samples * voxels)]
  const times: Record<string, number[]> = { ours: [], pairs: [], broadcast: [], products: [], limit: [] }
  let metrics: SetMetrics | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const ours = await median(pairs ? 3 : 20, () => {
      metrics = setMetrics(drawn, raters, { classes, voxels })
    })
    const limit = native('popcount.c', [labels.length, 5])?.milliseconds
    // The authors' broadcast takes seconds: once is enough.
    const broadcast = round === 0 && !pairs
    const { value, productsValue, ...theirs } =
      peer('metrics.py', { file, samples, classes, voxels, pairs, broadcast, runs: 1 }) ?? {}
    for (const figure of [value, productsValue]) {
      if (figure === undefined || Math.abs(figure - metrics!.gedSquared) < 1e-4) continue
      throw new Error(`numpy finds ${figure}, we ${metrics!.gedSquared}`)
    }
    for (const [name, time] of Object.entries({ ours, limit, ...theirs })) {
      if (time !== undefined) times[name]!.push(time)
    }
  }
  rmSync(folder, { recursive: true })

  const middle = (name: string): number | undefined =>
    times[name]!.sort((a, b) => a - b)[times[name]!.length >> 1]
  const raterCount = raters.length / voxels
  const scaled = pairs ? `, scaled up from ${pairs} pairs` : ''
  report(`${title}: M=${samples}, K=${raterCount}, ${voxels} voxels, ${classes} classes`, middle('pairs'), [
    { name: `numpy pair by pair, GED alone (yardstick)${scaled}`, milliseconds: middle('pairs') },
    { name: "numpy, the authors' broadcast, GED alone", milliseconds: middle('broadcast') },
    { name: 'numpy, matrix products in float32, GED alone', milliseconds: middle('products') },
    { name: 'stochseg, GED + diversity + HM-IoU, 1 thread', milliseconds: middle('ours') },
    { name: 'native: bits of the same bytes counted once, 1 thread', milliseconds: middle('limit') },
  ])
}

/** Samples of a network that somebody trained on LIDC, and its raters. */
function trained(): Maps | undefined {
  const folder = referenceData('golden-ssn/example03')
  if (folder === undefined) {
    console.log('The trained head is absent: no reference data.')
    return undefined
  }
  const array = (name: string): Float32Array => readNpy(`${folder}/${name}.npy`).data as Float32Array
  const parts = { mean: array('mean'), factor: array('factor'), diagonal: array('diagonal') }
  const distribution = logitDistribution({ batch: 1, classes: 2, rank: 10, spatial: [128, 128], ...parts })
  const drawn = sampleLabelMaps(distribution, { samples: 100, seed: 0 })
  const raters = array('labels')
  const labels = new Uint8Array(drawn.length + raters.length)
  labels.set(drawn)
  labels.set(raters, drawn.length)
  return { title: 'A trained head', labels, samples: 100, classes: 2, voxels: 128 * 128 }
}

/** Nothing that all maps agree on. */
function noise(): Maps {
  const voxels = 128 * 128
  const labels = Uint8Array.from(standardNormals(104 * voxels, { seed: 1 }), (value) => Number(value > 0))
  return { title: 'Noise', labels, samples: 100, classes: 2, voxels }
}

/** A lesion of three nested parts, whose outline differs from map to map. */
function lesion(): Maps {
  const [depth, height, width] = [155, 240, 240]
  const voxels = depth * height * width
  const labels = new Uint8Array(21 * voxels)
  const moves = standardNormals(21 * 4, { seed: 1 })
  for (let map = 0; map < 21; map++) {
    const [z0, y0, x0, grown] = [80, 120, 100, 32].map((value, index) => value + 2 * moves[map * 4 + index]!)
    let at = map * voxels
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        const row = (z - z0!) ** 2 + (y - y0!) ** 2
        for (let x = 0; x < width; x++) {
          const distance = Math.sqrt(row + (x - x0!) ** 2) / grown!
          labels[at++] = distance > 1 ? 0 : distance > 0.7 ? 2 : distance > 0.4 ? 3 : 1
        }
      }
    }
  }
  return { title: 'A lesion', labels, samples: 20, classes: 4, voxels, pairs: 5 }
}

console.log(machine())
const head = trained()
if (head) await compare(head)
await compare(noise())
if (!process.argv.includes('--small')) await compare(lesion())

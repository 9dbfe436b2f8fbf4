// What the demo says: who wins, by how much, and how far from the best possible.
import { join } from 'node:path'
import type { Dataset, HeadKind } from '@stochseg/core'
import { writePngFolder } from '@stochseg/data'
import { caseFigures } from '../evaluation/case-figures'
import { conventions, METRICS, metricsRow } from '../evaluation/metrics'
import type { CommandIo } from '../io'
import type { OpenModel } from '../model/open-model'
import { fontsAvailable, svgToPng } from '../plots/render'
import { trainingPlots } from '../plots/training-plots'
import { duration } from '../progress'
import { figureSvg } from '../report/figure'
import { type MetricsRow, reportPage } from '../report/page'
import { writeFileAtomically } from '../run-folder/atomic-write'
import { DEMO_HEADS, type DemoResult } from './demo-result'

const NAMES: Readonly<Record<HeadKind, string>> = {
  'low-rank': 'low rank',
  diagonal: 'diagonal',
  deterministic: 'deterministic',
}
const SHOWN_CASES = 8

/** The rows of the table: the models, the sampler that sees no image, and the bound. */
export function demoRows({ models, imageBlind, bestPossible }: DemoResult): MetricsRow[] {
  return [
    ...DEMO_HEADS.map((head) => metricsRow(NAMES[head], models[head])),
    metricsRow('image-blind', imageBlind),
    {
      name: 'best possible',
      reference: true,
      values: { ged: { value: bestPossible.ged }, diversity: { value: bestPossible.diversity } },
    },
  ]
}

/** The result in sentences. */
export function demoSummary({ models, imageBlind, bestPossible }: DemoResult): string[] {
  const lowRank = models['low-rank']
  const best = bestPossible.ged
  const others = [
    ['the diagonal model', models.diagonal.ged],
    ['the deterministic one', models.deterministic.ged],
    ['random masks that ignore the image', imageBlind.ged],
  ] as const
  const comparisons = others.map(
    ([name, ged]) => `${relation(lowRank.ged / ged)} ${name} (${ged.toFixed(3)})`,
  )
  const wins = others.every(([, ged]) => lowRank.ged < ged)
  const covered = (imageBlind.ged - lowRank.ged) / (imageBlind.ged - best)
  return [
    `${wins ? 'Low rank wins' : 'Low rank does not win everywhere'}: its samples have a GED² of ` +
      `${lowRank.ged.toFixed(3)} ± ${lowRank.standardError.ged.toFixed(3)}, ${comparisons.join(', ')}.`,
    `The best possible, from ${bestPossible.samples} draws of the true distribution, is ${best.toFixed(3)}: low rank ` +
      `is ${(lowRank.ged - best).toFixed(3)} away from it, and covers ${covered > 0 ? percent(covered) : 'nothing'} of the way there from the ` +
      'image-blind sampler.',
  ]
}

/**
 * Writes report.html, one case as samples.svg and samples.png, and the first test images with their raters as PNGs in test/, for
 * `stochseg predict` or the viewer. Gives the report's path.
 */
export async function writeDemoReport(
  folder: string,
  demo: {
    readonly result: DemoResult
    readonly models: Readonly<Record<HeadKind, OpenModel>>
    readonly test: Dataset
    readonly seed: number
    readonly steps: number
    readonly seconds: number
    readonly io: CommandIo
  },
): Promise<string> {
  const { result, models, test, seed, steps, seconds } = demo
  const named = DEMO_HEADS.map((head) => ({ name: NAMES[head], model: models[head] }))
  const cases = await caseFigures(named, test, { count: SHOWN_CASES, seed })
  const page = reportPage({
    title: 'Stochastic segmentation on generated data',
    summary: [
      ...demoSummary(result),
      'Each image has a bright core that every rater marks, a paler rim, and sometimes a pale satellite; a rater marks ' +
        'rim and satellite as a whole or not at all, the paler the less often. A good model gives such whole decisions as ' +
        'samples. Independent pixels cannot.',
    ],
    columns: METRICS,
    rows: demoRows(result),
    conventions: [
      ...conventions(result.models['low-rank']),
      ['image-blind', 'draws masks of random training images'],
      ['best possible', 'draws from the true distribution'],
    ],
    plots: await trainingPlots(DEMO_HEADS.map((head) => ({ name: NAMES[head], folder: join(folder, head) }))),
    cases,
    details: [
      ['data', test.name],
      ['training', `${steps} steps for each model`],
      ['time', `${duration(seconds)}, training and evaluation of all`],
      ['network', models['low-rank'].metadata.backbone],
      ['low rank', `rank ${models['low-rank'].metadata.head.rank}`],
      ['models', DEMO_HEADS.map((head) => `${head}/model.onnx`).join(', ')],
      ['evaluation', 'through the exported ONNX files'],
    ],
  })
  await writePngFolder({ ...test, length: SHOWN_CASES }, join(folder, 'test'))
  const path = join(folder, 'report.html')
  await writeFileAtomically(path, page)
  const svg = figureSvg(cases[0]!)
  await writeFileAtomically(join(folder, 'samples.svg'), svg)
  await writeFileAtomically(join(folder, 'samples.png'), await svgToPng(svg))
  if (!(await fontsAvailable())) {
    demo.io.stderr.write('This machine has no fonts: samples.png has no text; samples.svg has.\n')
  }
  return path
}

function relation(ratio: number): string {
  return ratio > 1 ? `${percent(ratio - 1)} above` : `${percent(1 - ratio)} below`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

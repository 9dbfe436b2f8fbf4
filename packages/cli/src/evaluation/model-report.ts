// The report on one model: used by evaluate and train.
import type { Dataset, Evaluation } from '@stochseg/core'
import type { OpenModel } from '../model/open-model'
import { type MetricsRow, type Report, reportPage } from '../report/page'
import { caseFigures } from './case-figures'
import { classDiceText, conventions, METRICS } from './metrics'

const SHOWN_CASES = 12

/** An HTML page on how a model does on a data set. */
export async function modelReport(options: {
  readonly title: string
  readonly model: OpenModel
  readonly dataset: Dataset
  readonly evaluation: Evaluation
  /** The model's row, and those to compare it with. */
  readonly rows: readonly MetricsRow[]
  readonly seed: number
  /** How the evaluation kept factor and deviation. */
  readonly storage?: 'float32' | 'float16'
  readonly plots: Report['plots']
  readonly details: Report['details']
}): Promise<string> {
  const { title, model, dataset, evaluation, rows, seed, storage, plots, details } = options
  const { head, properties } = model.metadata
  const { ged, standardError, cases } = evaluation
  return reportPage({
    title,
    summary: [
      cases === 1
        ? `GED² ${ged.toFixed(3)}, one case.`
        : `GED² ${ged.toFixed(3)} ± ${standardError.ged.toFixed(3)} over ${cases} cases.`,
      classDiceText(evaluation),
    ].filter(Boolean),
    columns: METRICS,
    rows,
    conventions: conventions(evaluation),
    plots,
    cases: await caseFigures([{ name: head.kind, model }], dataset, { count: SHOWN_CASES, seed, storage }),
    details: [
      ['model', model.path],
      ['head', head.kind === 'low-rank' ? `low-rank, rank ${head.rank}` : head.kind],
      ['data', dataset.name],
      ['seed of the samples', String(seed)],
      ...details,
      ...Object.entries(properties),
    ],
  })
}

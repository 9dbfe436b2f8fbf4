// The metrics of an evaluation, for tables.
import type { Evaluation, EvaluationFigures } from '@stochseg/core'
import type { MetricsColumn, MetricsRow, Report } from '../report/page'
import { formatNumber, textTable } from '../table'

/** The columns of every table of metrics. */
export const METRICS: readonly (MetricsColumn & { readonly key: keyof EvaluationFigures })[] = [
  { key: 'ged', title: 'GED²', better: 'lower' },
  { key: 'diversity', title: 'diversity' },
  { key: 'hungarianMatchedIou', title: 'HM-IoU', better: 'higher' },
  { key: 'dice', title: 'Dice', better: 'higher' },
  { key: 'diceNonEmpty', title: 'Dice, non-empty', better: 'higher' },
]

/** What the columns mean, name by name. `raterDiversity` is the raters' own. */
export function conventions({ cases, samples, raterDiversity }: Evaluation): Report['conventions'] {
  return [
    ['cases', cases === 1 ? 'one' : `${cases}: means ± standard errors`],
    ['samples', `${samples} for each case`],
    ['distance', '1 − mean foreground IoU; a class that both maps lack counts as IoU 1'],
    ['GED²', 'squared generalised energy distance of samples and raters, self pairs included'],
    ['diversity', `mean distance of two samples; of two raters ${raterDiversity.toFixed(3)}`],
    ['HM-IoU', 'Hungarian-matched IoU, both sides replicated to their least common multiple'],
    ['Dice', "of the mean's label map with each rater, averaged; pairs that are both empty left out"],
    ['Dice, non-empty', 'the same, only with raters who marked something'],
  ]
}

/** Dice of each class, for data of several; nothing for binary masks. */
export function classDiceText({ classDice, foregroundDice }: Evaluation): string {
  if (classDice.length === 1) return ''
  const classes = classDice.map((value, index) => `class ${index + 1} ${formatNumber(value)}`)
  return `Dice of all foreground as one ${formatNumber(foregroundDice)}, ${classes.join(', ')}\n`
}

/** A row of the table for one evaluation, without what no case defines. One case has no standard error. */
export function metricsRow(name: string, evaluation: Evaluation): MetricsRow {
  const values = METRICS.flatMap(({ key }) => {
    const [value, error] = [evaluation[key], evaluation.standardError[key]]
    if (!Number.isFinite(value)) return []
    return [[key, Number.isFinite(error) ? { value, standardError: error } : { value }]]
  })
  return { name, values: Object.fromEntries(values) }
}

/** Rows as text for a terminal, rounded as the report's. */
export function metricsText(rows: readonly MetricsRow[]): string {
  return textTable([
    ['', ...METRICS.map(({ title }) => title)],
    ...rows.map(({ name, values }) => [
      name,
      ...METRICS.map(({ key }) => {
        const entry = values[key]
        if (!entry) return '–'
        const error = entry.standardError === undefined ? '' : ` ± ${entry.standardError.toFixed(3)}`
        return `${entry.value.toFixed(3)}${error}`
      }),
    ]),
  ])
}

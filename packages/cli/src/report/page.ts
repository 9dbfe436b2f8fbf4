// The report: one HTML file that asks nothing of the network, for any browser, light or dark.
import { classColour } from './colours'
import { escapeText } from './escape'
import { type CaseFigure, figureImages, figureRows } from './figure'
import { reportStyle } from './style'

/** One row of the table of metrics. */
export interface MetricsRow {
  readonly name: string
  /** Values by column; a column may be missing. */
  readonly values: Readonly<
    Record<string, { readonly value: number; readonly standardError?: number } | undefined>
  >
  /** Left out when the best of a column is marked, e.g. a bound that no model can pass. */
  readonly reference?: boolean
}

/** A column of the table of metrics. */
export interface MetricsColumn {
  readonly key: string
  readonly title: string
  /** Which end is good; none for a quantity that is neither. */
  readonly better?: 'lower' | 'higher'
}

/** What a report is made of. All text is plain text. */
export interface Report {
  readonly title: string
  /** Paragraphs; the first says what matters most. */
  readonly summary: readonly string[]
  readonly columns: readonly MetricsColumn[]
  readonly rows: readonly MetricsRow[]
  /** How the metrics are defined: name and meaning. */
  readonly conventions: readonly (readonly [name: string, meaning: string])[]
  /** SVG of the curves, with a title each. */
  readonly plots: readonly { readonly title: string; readonly svg: string }[]
  readonly cases: readonly CaseFigure[]
  /** How it was made: name and value. */
  readonly details: readonly (readonly [name: string, value: string])[]
}

/** A report as a self-contained HTML page. */
export function reportPage(report: Report): string {
  const title = escapeText(report.title)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${reportStyle}</style>
</head>
<body>
<h1>${title}</h1>
<div class="summary">${report.summary.map((text) => `<p>${escapeText(text)}</p>`).join('')}</div>
<h2>Metrics</h2>
<div class="card">${metricsTable(report)}</div>
<div class="soft">${definitions(report.conventions)}</div>
${report.cases.length > 0 ? casesSection(report.cases) : ''}
${report.plots.length > 0 ? `<h2>Training</h2><div class="plots">${report.plots.map(plotCard).join('')}</div>` : ''}
<h2>How it was made</h2>
<div class="card">${definitions(report.details)}</div>
</body>
</html>
`
}

function definitions(pairs: Report['details']): string {
  const items = pairs.map(([name, value]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(value)}</dd>`)
  return `<dl>${items.join('')}</dl>`
}

function metricsTable({ columns, rows }: Report): string {
  const best = new Map(columns.map((column) => [column.key, bestValue(column, rows)]))
  const arrow = { lower: ' ↓', higher: ' ↑' } as const
  const head = columns.map(
    ({ title, better }) => `<th>${escapeText(title)}${better ? arrow[better] : ''}</th>`,
  )
  const body = rows.map((row) => {
    const cells = columns.map(({ key }) => {
      const entry = row.values[key]
      if (!entry) return '<td>–</td>'
      const error =
        entry.standardError === undefined
          ? ''
          : ` <span class="error">± ${entry.standardError.toFixed(3)}</span>`
      const mark = !row.reference && entry.value === best.get(key) ? ' class="best"' : ''
      return `<td${mark}>${entry.value.toFixed(3)}${error}</td>`
    })
    return `<tr><td>${escapeText(row.name)}</td>${cells.join('')}</tr>`
  })
  return `<table><thead><tr><th></th>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`
}

function bestValue({ key, better }: MetricsColumn, rows: readonly MetricsRow[]): number | undefined {
  const values = rows.filter((row) => !row.reference).flatMap((row) => row.values[key]?.value ?? [])
  if (!better || values.length < 2) return undefined
  return better === 'lower' ? Math.min(...values) : Math.max(...values)
}

function casesSection(cases: readonly CaseFigure[]): string {
  const classes = Math.max(...cases.map((figure) => figure.classes))
  const key = Array.from(
    { length: classes - 1 },
    (_, index) => `<span class="key" style="background:${classColour(index + 1)}"></span>class ${index + 1}`,
  )
  return `<h2>Cases</h2><p class="soft">Entropy of the marginal probabilities runs from dark (0) to bright (1). ${key.join('')}</p>${cases
    .map((figure, index) => caseCard(figure, `case${index}`))
    .join('')}`
}

function caseCard(figure: CaseFigure, id: string): string {
  const rows = figureRows(figure, id).map(
    ({ title, tiles }) =>
      `<h3>${escapeText(title)}</h3><div class="tiles">${tiles
        .map(({ caption, svg }) => `<figure>${svg}<figcaption>${escapeText(caption)}</figcaption></figure>`)
        .join('')}</div>`,
  )
  const images = `<svg width="0" height="0" style="position:absolute"><defs>${figureImages(figure, id)}</defs></svg>`
  return `<section class="card">${rows.join('')}${images}</section>`
}

function plotCard({ title, svg }: { readonly title: string; readonly svg: string }): string {
  return `<div class="card"><h3>${escapeText(title)}</h3>${svg}</div>`
}

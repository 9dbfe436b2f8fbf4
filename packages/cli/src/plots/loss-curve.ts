// The curves of training: loss by step, and a validation metric by step.
import type { TopLevelSpec } from 'vega-lite'
import { AXIS_COLOUR } from './render'

/** A named line. */
export interface Curve {
  readonly name: string
  readonly points: readonly { readonly step: number; readonly value: number }[]
}

const MOST_POINTS = 200
/** The third line lets the one beneath be seen: the losses of diagonal and deterministic heads lie on each other. */
const DASHES = [
  [1, 0],
  [1, 0],
  [5, 5],
]

/** Lines over training steps as a Vega-Lite specification. Long curves are averaged over spans of steps. */
export function curvesSpec(curves: readonly Curve[], valueTitle: string): TopLevelSpec {
  const several = curves.length > 1
  // Losses fall by orders of magnitude within the first steps.
  const type = curves.every(({ points }) => points.every(({ value }) => value > 0)) ? 'log' : 'linear'
  const byName = { field: 'name', type: 'nominal', title: null, sort: null } as const
  return {
    width: 520,
    height: 220,
    background: 'transparent',
    data: {
      values: curves.flatMap(({ name, points }) => thinned(points).map((point) => ({ name, ...point }))),
    },
    mark: { type: 'line', strokeWidth: 1.5, clip: true },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step', scale: { zero: true } },
      y: {
        field: 'value',
        type: 'quantitative',
        title: valueTitle,
        scale: type === 'log' ? { type, nice: true } : { type, zero: false },
        axis: { tickCount: 4, format: '~g' },
      },
      ...(several ? { color: byName, strokeDash: { ...byName, scale: { range: DASHES } } } : {}),
    },
    config: {
      view: { stroke: null },
      line: { color: '#0072b2' },
      range: { category: ['#e69f00', '#56b4e9', '#009e73', '#cc79a7'] },
      axis: {
        domainColor: AXIS_COLOUR,
        tickColor: AXIS_COLOUR,
        labelColor: AXIS_COLOUR,
        titleColor: AXIS_COLOUR,
        gridColor: AXIS_COLOUR,
        gridOpacity: 0.2,
        titleFontWeight: 'normal',
      },
      legend: { labelColor: AXIS_COLOUR, orient: 'top' },
    },
  }
}

/** At most `MOST_POINTS` points, each the mean of a span of equal length. */
function thinned(points: Curve['points']): Curve['points'] {
  const span = Math.ceil(points.length / MOST_POINTS)
  if (span <= 1) return points
  return Array.from({ length: Math.ceil(points.length / span) }, (_, index) => {
    const part = points.slice(index * span, (index + 1) * span)
    const mean = part.reduce((sum, { value }) => sum + value, 0) / part.length
    return { step: part[part.length - 1]!.step, value: mean }
  })
}

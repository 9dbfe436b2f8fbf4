// The paper's figure 2: mean, covariance and samples of both toy models.
import { TOY_PIXELS, type TrainedToy } from '@stochseg/core/toy'
import type { TopLevelSpec } from 'vega-lite'

const SIZE = 210

/** A trained toy model and what it is called in the figure. */
export interface NamedToy {
  readonly name: string
  readonly toy: TrainedToy
}

/** The figure as a Vega-Lite specification: a row for each model. */
export function toyFigureSpec(models: readonly NamedToy[]): TopLevelSpec {
  const specification = {
    background: 'white',
    padding: 12,
    spacing: 28,
    vconcat: models.map(({ name, toy }) => ({
      title: {
        text: `${name}: log-likelihood ${toy.logLikelihood.toFixed(3).replace('-', '−')} nats a label map`,
        anchor: 'start',
        offset: 10,
        fontSize: 14,
        fontWeight: 'bold',
      },
      spacing: 36,
      hconcat: [meanPlot(toy), covariancePlot(toy), samplesPlot(toy)],
      resolve: { scale: { color: 'independent' } },
    })),
    resolve: { scale: { color: 'independent' } },
    config: {
      view: { stroke: '#888' },
      axis: { grid: false, titleFontWeight: 'normal' },
      title: { fontSize: 12, fontWeight: 'normal' },
    },
  }
  return specification as TopLevelSpec
}

const pixels = { field: 'pixel', type: 'ordinal', axis: { labels: false, ticks: false }, title: 'pixel' }

function meanPlot({ distribution }: TrainedToy): object {
  return {
    title: 'mean logit',
    width: SIZE,
    height: SIZE,
    data: { values: Array.from(distribution.mean, (value, pixel) => ({ pixel, value })) },
    mark: { type: 'bar', color: '#0072b2' },
    encoding: { x: pixels, y: { field: 'value', type: 'quantitative', title: null } },
  }
}

function covariancePlot({ covariance }: TrainedToy): object {
  const values = Array.from(covariance, (value, index) => ({
    value,
    pixel: index % TOY_PIXELS,
    row: Math.floor(index / TOY_PIXELS),
  }))
  const limit = Math.max(...covariance.map(Math.abs))
  return {
    title: 'covariance',
    width: SIZE,
    height: SIZE,
    data: { values },
    mark: 'rect',
    encoding: {
      x: pixels,
      y: { ...pixels, field: 'row' },
      color: {
        field: 'value',
        type: 'quantitative',
        scale: { scheme: 'blueorange', domain: [-limit, limit] },
        legend: { title: null, gradientLength: SIZE },
      },
    },
  }
}

function samplesPlot({ sampleLabelMaps }: TrainedToy): object {
  const values = Array.from(sampleLabelMaps, (label, index) => ({
    label,
    pixel: index % TOY_PIXELS,
    sample: Math.floor(index / TOY_PIXELS) + 1,
  }))
  return {
    title: `${sampleLabelMaps.length / TOY_PIXELS} samples`,
    width: SIZE,
    height: SIZE,
    data: { values },
    mark: { type: 'rect', stroke: '#ddd', strokeWidth: 0.5 },
    encoding: {
      x: pixels,
      y: { field: 'sample', type: 'ordinal', title: null },
      color: {
        field: 'label',
        type: 'nominal',
        scale: { domain: [0, 1], range: ['#fff', '#333'] },
        legend: null,
      },
    },
  }
}

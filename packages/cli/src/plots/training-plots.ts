// The curves of one or several runs, from their metrics files.
import { join } from 'node:path'
import { readMetrics } from '../run-folder/metrics-log'
import { type Curve, curvesSpec } from './loss-curve'
import { plotSvg } from './render'

/** Training and validation loss of runs, as SVG. */
export async function trainingPlots(
  runs: readonly { readonly name: string; readonly folder: string }[],
): Promise<{ readonly title: string; readonly svg: string }[]> {
  const records = await Promise.all(runs.map(({ folder }) => readMetrics(join(folder, 'metrics.ndjson'))))
  const curves = (event: 'step' | 'validation'): Curve[] =>
    runs.map(({ name }, index) => ({
      name,
      points: records[index]!.filter((record) => record.event === event).map(({ step, loss }) => ({
        step,
        value: loss,
      })),
    }))
  const unit = 'nats per image'
  return [
    { title: `Training loss (${unit})`, svg: await plotSvg(curvesSpec(curves('step'), unit)) },
    { title: `Validation loss (${unit})`, svg: await plotSvg(curvesSpec(curves('validation'), unit)) },
  ]
}

// Cases with what models make of them, for the report.
import { type Dataset, marginalEntropy, meanLabelMap, sampleLabelMaps, voxelCount } from '@stochseg/core'
import type { OpenModel } from '../model/open-model'
import type { CaseFigure } from '../report/figure'
import { shownPlane } from './shown-plane'

const SHOWN_SAMPLES = 8
const ENTROPY_SAMPLES = 100

/** How many figures, and how their samples are drawn. */
export interface FigureOptions {
  readonly count: number
  readonly seed: number
  readonly storage?: 'float32' | 'float16' | undefined
}

/** Figures of `count` cases, evenly spread; of a volume, one plane. Samples are those of the evaluation with this seed. */
export async function caseFigures(
  models: readonly { readonly name: string; readonly model: OpenModel }[],
  dataset: Dataset,
  { count, seed, storage }: FigureOptions,
): Promise<CaseFigure[]> {
  const figures: CaseFigure[] = []
  for (let shown = 0; shown < Math.min(count, dataset.length); shown++) {
    const index = Math.floor((shown * dataset.length) / Math.min(count, dataset.length))
    const { id, image, raters, roi } = await dataset.case(index)
    const plane = shownPlane(raters, dataset.spatial, roi)
    const maps = (labels: Uint8Array): Uint8Array[] =>
      splitMaps(plane.part(labels), voxelCount(plane.spatial))
    const predictions = []
    for (const { name, model } of models) {
      const distribution = await model.predictWhole(
        { images: image, batch: 1, spatial: dataset.spatial, roi },
        { storage },
      )
      const noise = { seed, stream: index }
      const samples = { ...noise, samples: SHOWN_SAMPLES, ...(roi && { roi }) }
      predictions.push({
        model: name,
        mean: plane.part(meanLabelMap(distribution)),
        entropy: plane.part(marginalEntropy(distribution, { ...noise, samples: ENTROPY_SAMPLES })),
        samples: maps(sampleLabelMaps(distribution, samples)),
      })
    }
    figures.push({
      title: `${id}${plane.name}`,
      spatial: plane.spatial,
      image: plane.part(image),
      classes: dataset.classes,
      raters: maps(raters),
      predictions,
    })
  }
  return figures
}

function splitMaps(maps: Uint8Array, voxels: number): Uint8Array[] {
  return Array.from({ length: maps.length / voxels }, (_, map) =>
    maps.subarray(map * voxels, (map + 1) * voxels),
  )
}

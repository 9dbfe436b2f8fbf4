// Cases with what models make of them, for the report.
import { type Dataset, marginalEntropy, meanLabelMap, sampleLabelMaps, voxelCount } from '@stochseg/core'
import type { OpenModel } from '../model/open-model'
import type { CaseFigure } from '../report/figure'

const SHOWN_SAMPLES = 8
const ENTROPY_SAMPLES = 100

/** Figures of `count` cases, evenly spread; samples are those of the evaluation with this seed. */
export async function caseFigures(
  models: readonly { readonly name: string; readonly model: OpenModel }[],
  dataset: Dataset,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<CaseFigure[]> {
  const [height, width] = dataset.spatial as [number, number]
  const voxels = voxelCount(dataset.spatial)
  const split = (maps: Uint8Array): Uint8Array[] =>
    Array.from({ length: maps.length / voxels }, (_, map) => maps.subarray(map * voxels, (map + 1) * voxels))

  const figures: CaseFigure[] = []
  for (let shown = 0; shown < Math.min(count, dataset.length); shown++) {
    const index = Math.floor((shown * dataset.length) / Math.min(count, dataset.length))
    const { id, image, raters } = await dataset.case(index)
    const predictions = []
    for (const { name, model } of models) {
      const distribution = await model.predict(image, 1, dataset.spatial)
      const noise = { seed, stream: index }
      predictions.push({
        model: name,
        mean: meanLabelMap(distribution),
        entropy: marginalEntropy(distribution, { ...noise, samples: ENTROPY_SAMPLES }),
        samples: split(sampleLabelMaps(distribution, { ...noise, samples: SHOWN_SAMPLES })),
      })
    }
    const { classes } = dataset
    figures.push({ title: id, spatial: [height, width], image, classes, raters: split(raters), predictions })
  }
  return figures
}

// Draws docs/images/brats.png: what the networks of examples/brats make of the test patient. Their label maps alone: the images
// and the experts' labels may not be passed on.
//   npx tsx scripts/brats-picture.ts brats2015-sample low-rank deterministic
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openDataset } from '@stochseg/data'
import { caseFigures } from '../packages/cli/src/evaluation/case-figures'
import { openModel } from '../packages/cli/src/model/open-model'
import { svgToPng } from '../packages/cli/src/plots/render'
import { figureSvg } from '../packages/cli/src/report/figure'

const [data, ...folders] = process.argv.slice(2)
if (data === undefined || folders.length === 0) throw new Error('Give the data and the folders of runs')
const dataset = await openDataset(data, { split: 'test' })
const { signal } = new AbortController()
const models = []
for (const folder of folders)
  models.push({ name: folder.split('/').at(-1)!, model: await openModel(folder, { signal }) })
const [figure] = await caseFigures(models, dataset, { count: 1, seed: 0, storage: 'float16' })
const plain = { ...figure!, image: new Float32Array(figure!.image.length).fill(-0.5) }
const svg = figureSvg(plain, (row) => row > 0)
writeFileSync(fileURLToPath(new URL('../docs/images/brats.png', import.meta.url)), await svgToPng(svg, 1.6))
for (const { model } of models) await model.dispose()
dataset.close()

// Draws docs/images/augmentation.png: one generated image with its raters outlined, as it is and augmented.
//   npx tsx scripts/augmentation-picture.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CaseTransform, SizedCase } from '@stochseg/core'
import { ambiguousShapes, augmentation, encodePng, lidcAugmentation } from '@stochseg/data'
import { FONT, svgToPng } from '../packages/cli/src/plots/render'
import { classColour, grey } from '../packages/cli/src/report/colours'
import { labelOutline } from '../packages/cli/src/report/label-outline'

const SIZE = 48
const COLUMNS = 5
const STEP = SIZE + 4

const certainly = (options: object): object =>
  Object.fromEntries(Object.entries(options).map(([kind, change]) => [kind, { ...change, probability: 1 }]))
const rows: [title: string, transform: CaseTransform][] = [
  ['rotation and crop, as for LIDC-IDRI', augmentation(certainly(lidcAugmentation))],
  ['right angles and flips', augmentation({ rightAngles: {}, flips: {} })],
  ['elastic, alpha 6', augmentation({ elastic: { alpha: 6 } })],
]

const shapes = ambiguousShapes({ split: 'train', cases: 10, size: SIZE, seed: 4 })
const original: SizedCase = { ...(await shapes.case(6)), channels: 1, spatial: [SIZE, SIZE] }

function tile({ image, raters }: SizedCase): string {
  const pixels = { width: SIZE, height: SIZE, channels: 1, depth: 8, data: grey(image, SIZE * SIZE) } as const
  const uri = `data:image/png;base64,${Buffer.from(encodePng(pixels)).toString('base64')}`
  const outlines = Array.from({ length: raters.length / SIZE ** 2 }, (_, rater) => {
    const labels = raters.subarray(rater * SIZE ** 2, (rater + 1) * SIZE ** 2)
    return `<path d="${labelOutline(labels, [SIZE, SIZE], 1)}" fill="none" stroke="${classColour(rater + 1)}" stroke-width="0.7"/>`
  })
  return `<image width="${SIZE}" height="${SIZE}" href="${uri}" style="image-rendering:pixelated"/>${outlines.join('')}`
}

const drawn = await Promise.all(
  rows.map(async ([title, transform], row) => {
    const cases = Array.from({ length: COLUMNS }, (_, column) =>
      column === 0 ? original : transform(original, { seed: 1, position: column }),
    )
    const tiles = (await Promise.all(cases)).map(
      (item, column) => `<g transform="translate(${column * STEP} 9)">${tile(item)}</g>`,
    )
    const text = `<text y="6.5" font-family="${FONT}" font-size="5.5" fill="#444">${title}</text>`
    return `<g transform="translate(4 ${2 + row * (SIZE + 14)})">${text}${tiles.join('')}</g>`
  }),
)
const [width, height] = [COLUMNS * STEP + 4, rows.length * (SIZE + 14) + 2]
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${drawn.join('')}</svg>`
writeFileSync(
  fileURLToPath(new URL('../docs/images/augmentation.png', import.meta.url)),
  await svgToPng(svg, 2),
)

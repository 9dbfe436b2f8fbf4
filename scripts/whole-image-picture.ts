// Draws docs/images/whole-images.png: samples of a slice that lies in four tiles, with one z for all and with one for each.
// The slice and the trained network's output for it are reference data (golden-ssn).
//   npx tsx scripts/whole-image-picture.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { logitDistribution, sampleLabelMaps } from '@stochseg/core'
import { encodePng } from '@stochseg/data'
import { FONT, svgToPng } from '../packages/cli/src/plots/render'
import { classColour, grey } from '../packages/cli/src/report/colours'
import { labelOutline } from '../packages/cli/src/report/label-outline'
import { readNpy } from './read-npy'
import { referenceData } from './reference-data'

const SIZE = 128
const SEEDS = [1, 2, 3, 4, 5]
/** Where the four tiles meet, and the part that is drawn. */
const BORDER = 64
const [FIRST, SIDE] = [36, 56]

const folder = referenceData('golden-ssn/example03')
if (folder === undefined) throw new Error('The reference data are not here')
const array = (name: string): Float32Array => readNpy(`${folder}/${name}.npy`).data as Float32Array
const distribution = logitDistribution({
  ...{ batch: 1, classes: 2, rank: 10, spatial: [SIZE, SIZE] },
  ...{ mean: array('mean'), factor: array('factor'), diagonal: array('diagonal') },
})
const sample = (seed: number): Uint8Array => sampleLabelMaps(distribution, { samples: 1, seed })
const tileOf = (voxel: number): number =>
  2 * Number(Math.floor(voxel / SIZE) >= BORDER) + Number(voxel % SIZE >= BORDER)

const rows: [title: string, sample: (seed: number) => Uint8Array][] = [
  ['one z for the whole image', sample],
  [
    'a z for each tile',
    (seed) => {
      const ofTiles = [0, 1, 2, 3].map((tile) => sample(100 * seed + tile))
      return sample(seed).map((_, voxel) => ofTiles[tileOf(voxel)]![voxel]!)
    },
  ],
]

const image = array('image')
const shown = image.map((value) => Math.min(0.5, Math.max(-0.5, value)))
const pixels = { width: SIZE, height: SIZE, channels: 1, depth: 8, data: grey(shown, SIZE * SIZE) } as const
const uri = `data:image/png;base64,${Buffer.from(encodePng(pixels)).toString('base64')}`
const drawn = rows.map(([title, draw], row) => {
  const tiles = SEEDS.map(
    (
      seed,
      column,
    ) => `<svg x="${column * (SIDE + 4)}" y="9" width="${SIDE}" height="${SIDE}" viewBox="${FIRST} ${FIRST} ${SIDE} ${SIDE}">
      <image width="${SIZE}" height="${SIZE}" href="${uri}" style="image-rendering:pixelated"/>
      <path d="M${BORDER} 0V${SIZE}M0 ${BORDER}H${SIZE}" stroke="#fff" stroke-width="0.3" stroke-dasharray="1 1"/>
      <path d="${labelOutline(draw(seed), [SIZE, SIZE], 1)}" fill="none" stroke="${classColour(1)}" stroke-width="0.8"/>
    </svg>`,
  )
  const text = `<text y="6.5" font-family="${FONT}" font-size="5.5" fill="#444">${title}</text>`
  return `<g transform="translate(4 ${2 + row * (SIDE + 14)})">${text}${tiles.join('')}</g>`
})
const [width, height] = [SEEDS.length * (SIDE + 4) + 4, rows.length * (SIDE + 14) + 2]
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${drawn.join('')}</svg>`
writeFileSync(
  fileURLToPath(new URL('../docs/images/whole-images.png', import.meta.url)),
  await svgToPng(svg, 2.5),
)

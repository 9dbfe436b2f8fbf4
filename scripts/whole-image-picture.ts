// Draws docs/images/whole-images.png: samples of a slice that lies in four tiles, with one z for all and with one for each.
// The distribution is a disc whose outline is moved by ten smooth waves.
//   npx tsx scripts/whole-image-picture.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { logitDistribution, sampleLabelMaps } from '@stochseg/core'
import { FONT, svgToPng } from '../packages/cli/src/plots/render'
import { classColour } from '../packages/cli/src/report/colours'
import { labelOutline } from '../packages/cli/src/report/label-outline'

const SIZE = 128
const RANK = 10
const SEEDS = [1, 2, 3, 4, 5]
/** Where the four tiles meet, and the part that is drawn. */
const BORDER = 64
const [FIRST, SIDE] = [36, 56]

/** A value for each voxel of the object's class, and 0 for the background's. */
const planes = (value: (row: number, column: number) => number): Float32Array =>
  Float32Array.from({ length: 2 * SIZE * SIZE }, (_, index) => {
    const voxel = index - SIZE * SIZE
    return voxel < 0 ? 0 : value(Math.floor(voxel / SIZE) - BORDER, (voxel % SIZE) - BORDER)
  })
const waves = Array.from({ length: RANK }, (_, component) => {
  const [angle, length] = [(component * Math.PI) / RANK, 9 + 2 * component]
  return planes(
    (row, column) => 1.2 * Math.sin((row * Math.cos(angle) + column * Math.sin(angle)) / length + component),
  )
})
const plane = SIZE * SIZE
const distribution = logitDistribution({
  ...{ batch: 1, classes: 2, rank: RANK, spatial: [SIZE, SIZE] },
  mean: planes((row, column) => (18 - Math.hypot(row, column)) / 1.5),
  factor: Float32Array.from({ length: 2 * RANK * plane }, (_, index) => {
    const [object, component, voxel] = [
      Math.floor(index / (RANK * plane)),
      Math.floor(index / plane) % RANK,
      index % plane,
    ]
    return waves[component]![object * plane + voxel]!
  }),
  diagonal: new Float32Array(2 * plane).fill(1e-5),
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

const drawn = rows.map(([title, draw], row) => {
  const tiles = SEEDS.map(
    (
      seed,
      column,
    ) => `<svg x="${column * (SIDE + 4)}" y="9" width="${SIDE}" height="${SIDE}" viewBox="${FIRST} ${FIRST} ${SIDE} ${SIDE}">
      <rect width="${SIZE}" height="${SIZE}" fill="#eee"/>
      <path d="M${BORDER} 0V${SIZE}M0 ${BORDER}H${SIZE}" stroke="#888" stroke-width="0.3" stroke-dasharray="1 1"/>
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

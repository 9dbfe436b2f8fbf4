// A case as rows of small pictures: its image and raters, then what each model makes of it. SVG for a page or a file.
import { encodePng } from '@stochseg/data'
import { FONT } from '../plots/render'
import { classColour, grey, infernoRgb } from './colours'
import { escapeText } from './escape'
import { labelOutline } from './label-outline'

/** What one model predicts for a case. */
export interface CasePrediction {
  readonly model: string
  /** Label map of the mean `[height, width]`. */
  readonly mean: Uint8Array
  /** Marginal entropy in [0, 1] `[height, width]`. */
  readonly entropy: Float32Array
  /** Label maps `[height, width]`. */
  readonly samples: readonly Uint8Array[]
}

/** A 2D case with its raters and predictions. */
export interface CaseFigure {
  readonly title: string
  /** Height and width. */
  readonly spatial: readonly [height: number, width: number]
  /** Planar intensities; the first channel is shown. */
  readonly image: Float32Array
  readonly classes: number
  /** Label maps `[height, width]`. */
  readonly raters: readonly Uint8Array[]
  readonly predictions: readonly CasePrediction[]
}

/** A picture with a caption. `svg` is an `<svg>` element without size, whose images are in {@link figureImages}. */
export interface Tile {
  readonly caption: string
  readonly svg: string
}

/** The tiles of a case, a row for the truth and one for each model. */
export function figureRows(
  figure: CaseFigure,
  id: string,
): { readonly title: string; readonly tiles: readonly Tile[] }[] {
  const { spatial, raters, predictions } = figure
  const frame = (content: string): string =>
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${spatial[1]} ${spatial[0]}" role="img">${content}</svg>`
  const overlay = (caption: string, labels: Uint8Array): Tile => ({
    caption,
    svg: frame(`<use href="#${id}-image"/>${outlines(figure, labels)}`),
  })
  return [
    {
      title: figure.title,
      tiles: [
        { caption: 'image', svg: frame(`<use href="#${id}-image"/>`) },
        ...raters.map((labels, index) => overlay(`rater ${index + 1}`, labels)),
      ],
    },
    ...predictions.map(({ model, mean, samples }, index) => ({
      title: model,
      tiles: [
        overlay('mean', mean),
        { caption: 'entropy', svg: frame(`<use href="#${id}-entropy${index}"/>`) },
        ...samples.map((labels, sample) => overlay(`sample ${sample + 1}`, labels)),
      ],
    })),
  ]
}

/** The `<image>` elements that the tiles of case `id` refer to: belongs into `<defs>`. */
export function figureImages({ image, spatial, predictions }: CaseFigure, id: string): string {
  const [height, width] = spatial
  const element = (name: string, data: Uint8Array, channels: 1 | 3): string => {
    const png = Buffer.from(encodePng({ width, height, channels, depth: 8, data })).toString('base64')
    return `<image id="${id}-${name}" width="${width}" height="${height}" image-rendering="optimizeSpeed" href="data:image/png;base64,${png}"/>`
  }
  return [
    element('image', grey(image, height * width), 1),
    ...predictions.map(({ entropy }, index) => element(`entropy${index}`, infernoRgb(entropy), 3)),
  ].join('')
}

/** A case as one SVG file, rows under each other; `shown` chooses among them. */
export function figureSvg(figure: CaseFigure, shown: (row: number) => boolean = () => true): string {
  const rows = figureRows(figure, 'case').filter((_, row) => shown(row))
  const tile = 96
  const gap = 6
  const label = 18
  const rowHeight = tile + 2 * label + gap
  const columns = Math.max(...rows.map((row) => row.tiles.length))
  const width = columns * (tile + gap) + gap
  const height = rows.length * rowHeight + gap
  const text = (x: number, y: number, content: string, style: string): string =>
    `<text x="${x}" y="${y}" ${style} font-family="${FONT}" fill="#222">${escapeText(content)}</text>`
  const content = rows.flatMap((row, index) => {
    const top = gap + index * rowHeight
    return [
      text(gap, top + 13, row.title, 'font-size="12" font-weight="bold"'),
      ...row.tiles.map(({ caption, svg }, column) => {
        const left = gap + column * (tile + gap)
        const placed = svg.replace(
          '<svg ',
          `<svg x="${left}" y="${top + label}" width="${tile}" height="${tile}" `,
        )
        return placed + text(left, top + label + tile + 12, caption, 'font-size="10"')
      }),
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<defs>${figureImages(figure, 'case')}</defs><rect width="100%" height="100%" fill="#fff"/>`,
    ...content,
    '</svg>',
  ].join('')
}

function outlines({ spatial, classes }: CaseFigure, labels: Uint8Array): string {
  let paths = ''
  for (let label = 1; label < classes; label++) {
    const outline = labelOutline(labels, spatial, label)
    if (outline === '') continue
    const colour = classColour(label)
    const stroke = (spatial[1] / 70).toFixed(2) // an even width at the size of a tile
    paths += `<path d="${outline}" fill="${colour}" fill-opacity="0.3" fill-rule="evenodd" stroke="${colour}" stroke-width="${stroke}"/>`
  }
  return paths
}

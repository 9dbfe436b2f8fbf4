// Vega-Lite specifications as SVG, and SVG as PNG, without a browser.
import type { TopLevelSpec } from 'vega-lite'

/** Greys that can be read on white and on black, so that one SVG fits light and dark pages. */
export const AXIS_COLOUR = '#8a8f98'

/** Fonts of figures, the first that the machine has. */
export const FONT = 'Helvetica, Arial, DejaVu Sans, Liberation Sans, sans-serif'

/** Draws a Vega-Lite specification. Loads Vega. */
export async function plotSvg(spec: TopLevelSpec): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')])
  const view = new View(parse(compile(spec, { config: { font: FONT } }).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** Rasterises an SVG on white, `zoom` pixels a unit. Loads resvg. Text needs a font on the machine: see {@link fontsAvailable}. */
export async function svgToPng(svg: string, zoom = 2): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js')
  const options = { background: 'white', fitTo: { mode: 'zoom', value: zoom } } as const
  return new Resvg(svg, options).render().asPng()
}

/** Whether this machine has a font; without one, rasterised figures have no text. */
export async function fontsAvailable(): Promise<boolean> {
  const { Resvg } = await import('@resvg/resvg-js')
  const probe = new Resvg(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">a</text></svg>',
  )
  return probe.innerBBox() !== undefined
}

// Colours of the report: one for each foreground class, and a map for entropy.

/** Foreground classes, from label 1 on; repeats after the last. Okabe and Ito's, told apart by colour-blind readers. */
const CLASS_COLOURS = ['#e69f00', '#56b4e9', '#009e73', '#cc79a7', '#d55e00', '#0072b2', '#f0e442'] as const

/** The colour of a foreground label ≥ 1. */
export function classColour(label: number): string {
  return CLASS_COLOURS[(label - 1) % CLASS_COLOURS.length]!
}

// matplotlib's inferno at eighths.
const INFERNO = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
] as const

/** Values in [0, 1] (others are clamped) as RGB bytes, dark to bright. */
export function infernoRgb(values: Float32Array): Uint8Array {
  const rgb = new Uint8Array(values.length * 3)
  for (let index = 0; index < values.length; index++) {
    const position = Math.min(Math.max(values[index]!, 0), 1) * (INFERNO.length - 1)
    const low = Math.min(Math.floor(position), INFERNO.length - 2)
    for (let channel = 0; channel < 3; channel++) {
      const from = INFERNO[low]![channel]!
      rgb[index * 3 + channel] = Math.round(from + (position - low) * (INFERNO[low + 1]![channel]! - from))
    }
  }
  return rgb
}

/** The first channel of an image as grey bytes, its least value black and its greatest white. */
export function grey(image: Float32Array, voxels: number): Uint8Array {
  let least = Number.POSITIVE_INFINITY
  let greatest = Number.NEGATIVE_INFINITY
  for (let index = 0; index < voxels; index++) {
    least = Math.min(least, image[index]!)
    greatest = Math.max(greatest, image[index]!)
  }
  const scale = greatest > least ? 255 / (greatest - least) : 0
  return Uint8Array.from({ length: voxels }, (_, index) => (image[index]! - least) * scale)
}

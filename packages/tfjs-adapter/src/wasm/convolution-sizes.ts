// The numbers of a convolution for assembly/: in the order of ConvolutionSizes there.
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import type { WasmBackend } from './native'
import { withScratch } from './native'

/** How many tiles and planes of them are worked on together. */
export interface Blocks {
  readonly tiles: number
  readonly planes: number
}

/** Writes the numbers to memory for the time of a call. */
export function withSizes(
  backend: WasmBackend,
  geometry: ConvolutionGeometry,
  channels: { readonly batch: number; readonly inputs: number; readonly outputs: number },
  blocks: Blocks,
  use: (sizes: number) => void,
): void {
  const { batch, inputs, outputs } = channels
  const numbers = [
    batch,
    inputs,
    outputs,
    geometry.kernel.length === 3 ? geometry.kernel[0]! : 1,
    ...in3d(geometry.inputSize, 1),
    ...in3d(geometry.outputSize, 1),
    ...in3d(geometry.padBefore, 0),
    blocks.tiles,
    blocks.planes,
  ]
  withScratch(backend, [numbers.length], ([sizes]) => {
    new Int32Array(backend.wasm.HEAPU8.buffer, sizes!, numbers.length).set(numbers)
    use(sizes!)
  })
}

/** Tiles of 4×4 in an output plane of all images. */
export function tilesOf({ outputSize }: ConvolutionGeometry, batch: number): number {
  return outputSize.slice(-2).reduce((count, length) => count * Math.ceil(length / 4), batch)
}

/** The numbers of a 2D or 3D convolution's axes as those of a 3D one. */
export function in3d(values: readonly number[], first: number): [number, number, number] {
  return (values.length === 2 ? [first, ...values] : [...values]) as [number, number, number]
}

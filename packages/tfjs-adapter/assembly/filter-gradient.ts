// The direct gradient of a convolution with respect to its filter, in 2D or 3D.
import { addOuterProducts1, addOuterProducts4 } from './outer-products'

/**
 * Gradient of a stride-1 convolution with respect to its filter.
 *
 * For every output row and kernel row, a product of matrices: the input row's `kernelX · inputs` consecutive values
 * seen from each voxel, transposed, times dy. Tiles of 4 of those values × 8 output channels stay in registers.
 *
 * @param input `[batch, outputZ + kernelZ − 1, outputY + kernelY − 1, outputX + kernelX − 1, inputs]`, padded
 * @param dy `[panels, batch, outputZ, outputY, outputX, 8]`
 * @param gradient `[panels, kernelZ, kernelY, kernelX · inputs, 8]`
 */
export function filterGradient(
  input: usize,
  dy: usize,
  gradient: usize,
  panels: i32,
  batch: i32,
  outputZ: i32,
  outputY: i32,
  outputX: i32,
  inputs: i32,
  kernelZ: i32,
  kernelY: i32,
  kernelX: i32,
): void {
  const rows = kernelX * inputs
  memory.fill(gradient, 0, (<usize>(panels * kernelZ * kernelY * rows)) << 5)
  const pixelBytes = (<usize>inputs) << 2
  const rowBytes = <usize>(outputX + kernelX - 1) * pixelBytes
  const planeBytes = <usize>(outputY + kernelY - 1) * rowBytes
  const itemBytes = <usize>(outputZ + kernelZ - 1) * planeBytes
  for (let panel = 0; panel < panels; panel++) {
    for (let n = 0; n < batch; n++) {
      for (let z = 0; z < outputZ; z++) {
        for (let y = 0; y < outputY; y++) {
          let target = gradient
          for (let kz = 0; kz < kernelZ; kz++) {
            for (let ky = 0; ky < kernelY; ky++) {
              let seen =
                input + <usize>n * itemBytes + <usize>(z + kz) * planeBytes + <usize>(y + ky) * rowBytes
              let row = 0
              for (; row <= rows - 4; row += 4) {
                addOuterProducts4(seen, dy, target, outputX, pixelBytes, 32)
                seen += 16
                target += 128
              }
              for (; row < rows; row++) {
                addOuterProducts1(seen, dy, target, outputX, pixelBytes, 32)
                seen += 4
                target += 32
              }
            }
          }
          dy += (<usize>outputX) << 5
        }
      }
    }
    gradient += (<usize>(kernelZ * kernelY * rows)) << 5
  }
}

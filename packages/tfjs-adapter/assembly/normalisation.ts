// Batch normalisation of `[rows, columns]` by the columns' own statistics, and its gradient, in few passes over memory.
// Columns are a multiple of 4.
import { columnSums } from './columns'

/**
 * y = (x − mean) / √(variance + epsilon) · scale + bias. Also gives the mean and the biased variance of each column.
 *
 * @param coefficients scratch, `[2, columns]`
 */
export function normalise(
  x: usize,
  scale: usize,
  bias: usize,
  y: usize,
  mean: usize,
  variance: usize,
  coefficients: usize,
  rows: i32,
  columns: i32,
  epsilon: f32,
): void {
  const bytes = (<usize>columns) << 2
  columnSums(x, mean, rows, columns)
  divide(mean, rows, columns)
  centredProducts(x, x, mean, mean, variance, rows, columns)
  divide(variance, rows, columns)
  for (let at: usize = 0; at < bytes; at += 4) {
    const slope = load<f32>(scale + at) / sqrt<f32>(load<f32>(variance + at) + epsilon)
    store<f32>(coefficients + at, slope)
    store<f32>(coefficients + bytes + at, load<f32>(bias + at) - slope * load<f32>(mean + at))
  }
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const scaled = f32x4.mul(v128.load(x + at), v128.load(coefficients + at))
      v128.store(y + at, f32x4.add(scaled, v128.load(coefficients + bytes + at)))
    }
    x += bytes
    y += bytes
  }
}

/**
 * Gradients of {@link normalise}: dx = scale/σ · (dy − Σdy/rows − x̂ · Σ(dy·x̂)/rows), dScale = Σ(dy·x̂), dBias = Σdy with
 * x̂ = (x − mean)/σ.
 *
 * @param coefficients scratch, `[3, columns]`
 */
export function normaliseGradient(
  dy: usize,
  x: usize,
  scale: usize,
  mean: usize,
  variance: usize,
  dx: usize,
  scaleGradient: usize,
  biasGradient: usize,
  coefficients: usize,
  rows: i32,
  columns: i32,
  epsilon: f32,
): void {
  const bytes = (<usize>columns) << 2
  // Of dy, no mean is taken off.
  memory.fill(coefficients, 0, bytes)
  columnSums(dy, biasGradient, rows, columns)
  centredProducts(dy, x, coefficients, mean, scaleGradient, rows, columns)
  const ofX = coefficients + bytes
  const shift = ofX + bytes
  for (let at: usize = 0; at < bytes; at += 4) {
    const inverse = <f32>1 / sqrt<f32>(load<f32>(variance + at) + epsilon)
    const gradient = load<f32>(scaleGradient + at) * inverse
    const slope = load<f32>(scale + at) * inverse
    const factor = (-slope * inverse * gradient) / <f32>rows
    store<f32>(scaleGradient + at, gradient)
    store<f32>(coefficients + at, slope)
    store<f32>(ofX + at, factor)
    store<f32>(
      shift + at,
      (-slope * load<f32>(biasGradient + at)) / <f32>rows - factor * load<f32>(mean + at),
    )
  }
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const first = f32x4.mul(v128.load(dy + at), v128.load(coefficients + at))
      const second = f32x4.mul(v128.load(x + at), v128.load(ofX + at))
      v128.store(dx + at, f32x4.add(f32x4.add(first, second), v128.load(shift + at)))
    }
    dy += bytes
    x += bytes
    dx += bytes
  }
}

/** Σ over rows of (a − aMean)·(b − bMean) for each column, in blocks of 256 rows for accuracy. */
function centredProducts(
  a: usize,
  b: usize,
  aMean: usize,
  bMean: usize,
  sums: usize,
  rows: i32,
  columns: i32,
): void {
  const bytes = (<usize>columns) << 2
  memory.fill(sums, 0, bytes)
  for (let block = 0; block < rows; block += 256) {
    const count = min(256, rows - block)
    for (let at: usize = 0; at < bytes; at += 16) {
      const aShift = v128.load(aMean + at)
      const bShift = v128.load(bMean + at)
      let offset = <usize>block * bytes + at
      let sum = f32x4.splat(0)
      for (let row = 0; row < count; row++) {
        const left = f32x4.sub(v128.load(a + offset), aShift)
        const right = f32x4.sub(v128.load(b + offset), bShift)
        sum = f32x4.add(sum, f32x4.mul(left, right))
        offset += bytes
      }
      v128.store(sums + at, f32x4.add(v128.load(sums + at), sum))
    }
  }
}

function divide(values: usize, divisor: i32, count: i32): void {
  for (let index = 0; index < count; index++) {
    const at = values + ((<usize>index) << 2)
    store<f32>(at, load<f32>(at) / <f32>divisor)
  }
}

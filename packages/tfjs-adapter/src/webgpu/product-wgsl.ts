// A product of two matrices that are never stored: the WGSL gives each of their values, tiles of them pass through
// workgroup memory, and each of 64 threads sums 4×4 values in registers.

/** Rows and columns of a tile. */
const TILE = 32
/** Length of a step along the sum. */
const STEP = 16
/** As many tiles keep a GPU busy; below, the sum is cut into parts. */
const ENOUGH_TILES = 512
/** Shortest part of a sum that is worth a tile. */
const SHORTEST_PART = 512

/** Sizes of a product: `[rows, inner] × [inner, columns]`. */
export interface ProductSizes {
  readonly rows: number
  readonly inner: number
  readonly columns: number
}

/** A product as a shader. Its output is `[parts, rows, columns]`: the product is the sum over the parts. */
export interface Product {
  readonly parts: number
  readonly groups: number
  readonly code: string
}

/**
 * @param values WGSL with `fn left(row : u32, inner : u32) -> f32` and `fn right(inner : u32, column : u32) -> f32`, called
 *   for indices within the sizes.
 * @param neighbours along which axis of `left` values are neighbours in memory: threads that follow each other read these.
 */
export function productWgsl(
  { rows, inner, columns }: ProductSizes,
  neighbours: 'rows' | 'inner',
  values: string,
): Product {
  const tiles = [Math.ceil(rows / TILE), Math.ceil(columns / TILE)] as const
  const wanted = Math.ceil(ENOUGH_TILES / (tiles[0] * tiles[1]))
  const steps = Math.ceil(inner / Math.min(wanted, Math.ceil(inner / SHORTEST_PART)) / STEP)
  const parts = Math.ceil(inner / (steps * STEP))
  const code = /* wgsl */ `
${values}
// Rows lie ${TILE + 1} apart, so that no two threads wait for the same bank of memory.
var<workgroup> left_tile : array<f32, ${STEP * (TILE + 1)}>;
var<workgroup> right_tile : array<f32, ${STEP * (TILE + 1)}>;

fn compute(index : i32) {
  let tile = group();
  let first_column = (tile % ${tiles[1]}u) * ${TILE}u;
  let first_row = ((tile / ${tiles[1]}u) % ${tiles[0]}u) * ${TILE}u;
  let part = tile / ${tiles[0] * tiles[1]}u;
  let row = (localIndex / 8u) * 4u;
  let column = (localIndex % 8u) * 4u;
  var sums : array<vec4f, 4>;
  for (var step = 0u; step < ${steps}u; step++) {
    let first = (part * ${steps}u + step) * ${STEP}u;
    for (var slot = localIndex; slot < ${STEP * TILE}u; slot += 64u) {
      let r = ${neighbours === 'rows' ? `slot % ${TILE}u` : `slot / ${STEP}u`};
      let i = ${neighbours === 'rows' ? `slot / ${TILE}u` : `slot % ${STEP}u`};
      var value = 0.0;
      if (first_row + r < ${rows}u && first + i < ${inner}u) { value = left(first_row + r, first + i); }
      left_tile[i * ${TILE + 1}u + r] = value;
    }
    for (var slot = localIndex; slot < ${STEP * TILE}u; slot += 64u) {
      let c = slot % ${TILE}u;
      let i = slot / ${TILE}u;
      var value = 0.0;
      if (first + i < ${inner}u && first_column + c < ${columns}u) { value = right(first + i, first_column + c); }
      right_tile[i * ${TILE + 1}u + c] = value;
    }
    workgroupBarrier();
    for (var i = 0u; i < ${STEP}u; i++) {
      let l = i * ${TILE + 1}u + row;
      let r = i * ${TILE + 1}u + column;
      let b = vec4f(right_tile[r], right_tile[r + 1u], right_tile[r + 2u], right_tile[r + 3u]);
      sums[0] += left_tile[l] * b;
      sums[1] += left_tile[l + 1u] * b;
      sums[2] += left_tile[l + 2u] * b;
      sums[3] += left_tile[l + 3u] * b;
    }
    workgroupBarrier();
  }
  if (part >= ${parts}u) { return; }
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let at_row = first_row + row + r;
      let at_column = first_column + column + c;
      if (at_row < ${rows}u && at_column < ${columns}u) {
        result[(part * ${rows}u + at_row) * ${columns}u + at_column] = sums[r][c];
      }
    }
  }
}
`
  return { parts, groups: tiles[0] * tiles[1] * parts, code }
}

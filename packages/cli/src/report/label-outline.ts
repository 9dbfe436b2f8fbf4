// A label of a label map as an SVG path: its exact pixel outline, for overlays that stay sharp at any size.

/**
 * The outline of the pixels that bear `label` in a `[height, width]` label map, as the `d` of an SVG path in pixel
 * units; to be filled with the even-odd rule. Empty when no pixel bears it.
 */
export function labelOutline(
  labels: Uint8Array,
  [height, width]: readonly [height: number, width: number],
  label: number,
): string {
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] === label

  // Edges between inside and outside, directed with the inside on their right, by the corner they start from.
  const corner = (x: number, y: number): number => y * (width + 1) + x
  const edges = new Map<number, number[]>()
  const addEdge = (from: number, to: number): void => {
    const starting = edges.get(from)
    if (starting) starting.push(to)
    else edges.set(from, [to])
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue
      if (!inside(x, y - 1)) addEdge(corner(x, y), corner(x + 1, y))
      if (!inside(x + 1, y)) addEdge(corner(x + 1, y), corner(x + 1, y + 1))
      if (!inside(x, y + 1)) addEdge(corner(x + 1, y + 1), corner(x, y + 1))
      if (!inside(x - 1, y)) addEdge(corner(x, y + 1), corner(x, y))
    }
  }

  let path = ''
  for (const start of edges.keys()) {
    while (edges.get(start)?.length) path += loopFrom(start, edges, width + 1)
  }
  return path
}

/** Follows edges from `start` until they come back, using them up; straight stretches become one segment. */
function loopFrom(start: number, edges: Map<number, number[]>, stride: number): string {
  const point = (corner: number): string => `${corner % stride} ${Math.floor(corner / stride)}`
  let path = `M${point(start)}`
  let at = start
  let step = 0
  do {
    const next = edges.get(at)!.pop()!
    if (step !== 0 && next - at !== step) path += `L${point(at)}`
    step = next - at
    at = next
  } while (at !== start)
  return `${path}Z`
}

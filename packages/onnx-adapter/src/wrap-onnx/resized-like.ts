// Resizing in the graph to a size that is known when it runs.
import type { GraphBuilder } from '../graph-builder'

/** A planar tensor, linearly resized to the spatial size of another; gives the result's name, which may be chosen. */
export function resizedLike(graph: GraphBuilder, tensor: string, like: string, output?: string): string {
  const lengths = (of: string, first: number, end: number): string =>
    graph.operator('Slice', [graph.operator('Shape', [of]), graph.integers([first]), graph.integers([end])])
  const sizes = graph.operator('Concat', [lengths(tensor, 0, 2), lengths(like, 2, 5)], { axis: { int: 0 } })
  // Until operator set 13, what is left out had to be there, empty.
  const none = graph.operatorSet >= 13 ? '' : graph.floats([], [0])
  const attributes = {
    mode: { string: 'linear' },
    coordinate_transformation_mode: { string: 'half_pixel' },
  }
  return graph.operator('Resize', [tensor, none, none, sizes], attributes, output)
}

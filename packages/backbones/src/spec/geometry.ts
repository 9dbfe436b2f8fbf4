// Which input sizes a network takes, what size comes out, and how far an output voxel sees.
import { checkInputSize, type NetworkGeometry } from '@stochseg/core'
import { sizesAlong } from './input-sizes'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { convolutionPadding, lengthsAlong } from './tensor-shapes'

/** The geometry of a spec. Throws {@link ModelError} where no sequence of input sizes up to 4096 fits. */
export function geometryOf(spec: NetworkSpec): NetworkGeometry {
  const axes = Array.from({ length: spec.dimensions }, (_, axis) => axis)
  const sizes = axes.map((axis) => sizesAlong(spec, axis))
  const inputSizes = {
    minimumSize: sizes.map(({ first }) => first),
    multipleOf: sizes.map(({ step }) => step),
  }
  return {
    ...inputSizes,
    receptiveField: axes.map((axis) => receptiveField(spec, axis, inputSizes.multipleOf[axis]!)),
    outputSize: (input) => {
      checkInputSize(inputSizes, input)
      return input.map((length, axis) => lengthsAlong(spec, axis, length).get(spec.features)!)
    },
  }
}

type Interval = readonly [first: number, last: number]

/** The longest stretch of input that one of `phases` neighbouring output voxels reads, far from any border. */
function receptiveField(spec: NetworkSpec, axis: number, phases: number): number {
  let longest = 0
  for (let voxel = 0; voxel < phases; voxel++) {
    const needed = new Map<string, Interval>([[spec.features, [voxel, voxel]]])
    for (const node of spec.nodes.toReversed()) {
      const output = needed.get(node.name)
      if (!output) continue
      for (const input of node.inputs) {
        needed.set(input, hull(needed.get(input), intervalRead(node, axis, output)))
      }
    }
    const read = spec.inputs.reduce<Interval | undefined>(
      (all, { name }) => (needed.has(name) ? hull(all, needed.get(name)!) : all),
      undefined,
    )
    if (read) longest = Math.max(longest, read[1] - read[0] + 1)
  }
  return longest
}

/** The input voxels that output voxels `first` to `last` of a node read. */
function intervalRead(node: NetworkNode, axis: number, [first, last]: Interval): Interval {
  switch (node.op) {
    case 'convolution': {
      const stride = node.stride?.[axis] ?? 1
      const extent = (node.kernel[axis]! - 1) * (node.dilation?.[axis] ?? 1)
      const [before] = convolutionPadding(node, axis, stride)
      return [first * stride - before, last * stride - before + extent]
    }
    case 'transposedConvolution': {
      const factor = node.factor[axis]!
      return [Math.floor(first / factor), Math.floor(last / factor)]
    }
    case 'pool': {
      const window = node.window[axis]!
      return [first * window, last * window + window - 1]
    }
    case 'upsample': {
      const factor = node.factor[axis]!
      if (node.kind === 'nearest') return [Math.floor(first / factor), Math.floor(last / factor)]
      const position = (voxel: number): number => (voxel + 0.5) / factor - 0.5
      return [Math.floor(position(first)), Math.ceil(position(last))]
    }
    case 'crop':
      return [first + node.before[axis]!, last + node.before[axis]!]
    case 'slice':
      return [node.start[axis]! + first * node.step[axis]!, node.start[axis]! + last * node.step[axis]!]
    default:
      return [first, last]
  }
}

function hull(a: Interval | undefined, b: Interval): Interval {
  return a ? [Math.min(a[0], b[0]), Math.max(a[1], b[1])] : b
}

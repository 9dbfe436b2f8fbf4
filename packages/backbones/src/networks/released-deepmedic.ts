// Weights of the DeepMedic that the SSN paper's authors released, under their PyTorch names, as weights of ours
// (github.com/biomedia-mira/stochastic_segmentation_networks).
import { ModelError, type SsnHead, type Weight, type Weights } from '@stochseg/core'
import type { NetworkSpec } from '../spec/network-spec'
import { checkWeights, parametersOf } from '../weights/parameters'

/** Our part of a node's name, and theirs. */
const PARTS: Readonly<Record<string, string>> = {
  'norm.scale': 'norm.weight',
  'norm.bias': 'norm.bias',
  'norm.mean': 'norm.running_mean',
  'norm.variance': 'norm.running_var',
  'prelu.slope': 'prelu.weight',
  'conv.weight': 'conv.weight',
}

const HEADS: Readonly<Record<string, string>> = {
  mean: 'mean_l',
  logDiagonal: 'log_cov_diag_l',
  factor: 'cov_factor_l',
}

/**
 * The name in the authors' state dict of a weight of `deepmedic` in 3D with scale factors 5, 3, 1, e.g.
 * `path0.block1.conv.weight` → `path(5, 5, 5)0.path.2.conv.weight`. Throws {@link ModelError} for a name of another network.
 *
 * @param headBias whether the network's head has biases; without (`headBias: false`) it is their last joint block.
 */
export function releasedDeepmedicName(name: string, headBias = true): string {
  if (name === 'head.mean.weight' && !headBias) return 'fully_connected.2.conv.weight'
  const [, node, index, block, part] = /^(path|joint)(\d?)\.block(\d+)\.(.+)$/.exec(name) ?? []
  const theirs = part && PARTS[part]
  if (theirs && node === 'joint') return `fully_connected.${block}.${theirs}`
  const factor = index && [5, 3, 1][Number(index)]
  if (theirs && factor) {
    return `path(${factor}, ${factor}, ${factor})${index}.path.${Number(block) + 1}.${theirs}`
  }
  const [, output, parameter] = /^head\.(mean|logDiagonal|factor)\.(weight|bias)$/.exec(name) ?? []
  if (output) return `${HEADS[output]}.${parameter}`
  throw new ModelError(`weight '${name}'`, {
    found: 'a name that the released DeepMedic has no counterpart of',
    expected: 'a weight of deepmedicBrats()',
    remedy: 'Load weights of other networks under their own names',
  })
}

/**
 * The authors' state dict as weights of `deepmedicBrats()` with its head.
 *
 * Their factor is rank-major (channel = r·C + c): its channels are put in our order. Weights that their forward pass does not
 * use (the first blocks' normalisation and slopes) are left behind. Throws {@link ModelError} naming the weight that is missing or
 * has another shape.
 *
 * @param released float32 tensors by the state dict's names.
 */
export function fromReleasedDeepmedic(spec: NetworkSpec, head: SsnHead, released: Weights): Weights {
  const weights = new Map<string, Weight>()
  for (const { name } of parametersOf(spec, head)) {
    const theirs = releasedDeepmedicName(name, spec.headBias)
    const weight = released.get(theirs)
    if (!weight) {
      throw new ModelError(`weight '${theirs}'`, {
        found: 'nothing',
        expected: `the counterpart of '${name}'`,
        remedy: "Give the whole state dict, and the head's kind that it was trained with",
      })
    }
    weights.set(name, name.startsWith('head.factor.') ? classMajor(weight, head) : weight)
  }
  checkWeights(spec, head, weights)
  return weights
}

/** Channels r·C + c as channels c·R + r. */
function classMajor({ shape, data }: Weight, { classes, rank }: SsnHead): Weight {
  const width = data.length / (classes * rank)
  const ordered = new Float32Array(data.length)
  for (let r = 0; r < rank; r++) {
    for (let c = 0; c < classes; c++) {
      const from = (r * classes + c) * width
      ordered.set(data.subarray(from, from + width), (c * rank + r) * width)
    }
  }
  return { shape, data: ordered }
}

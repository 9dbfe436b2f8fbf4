// How a network's weights start: a pure function of the network and a seed.
import { type SsnHead, standardNormals, ValueError, type Weight, type Weights } from '@stochseg/core'
import type { NetworkSpec } from '../spec/network-spec'
import { type Parameter, parametersOf } from './parameters'

/** How the weights start. The defaults are the authors'. */
export interface InitialWeightsOptions {
  /** A whole number in [0, 2^53). */
  readonly seed: number
  /** Bias of the log-diagonal; 0 unless given. About −4 keeps a fresh covariance from drowning the mean. */
  readonly logDiagonalBias?: number
  /** Multiplies the factor's kernel, > 0; 1 unless given. Small values serve the same end. */
  readonly factorScale?: number
}

/** Tells these normals from those of generated data with the same seed. */
const PLANE = 1

/**
 * Initial weights: kernels normal with variance 2 / fan-in (He et al. 2015, not truncated), biases 0, batch
 * normalisation the identity.
 *
 * A body starts the same whichever head follows it. Throws {@link ValueError} for options out of range.
 */
export function initialWeights(spec: NetworkSpec, head: SsnHead, options: InitialWeightsOptions): Weights {
  const { seed, logDiagonalBias = 0, factorScale = 1 } = options
  if (!Number.isFinite(logDiagonalBias) || !(factorScale > 0 && Number.isFinite(factorScale))) {
    throw new ValueError('initial head', {
      found: `logDiagonalBias ${logDiagonalBias}, factorScale ${factorScale}`,
      expected: 'finite numbers, factorScale > 0',
      remedy: 'For a low-variance start try logDiagonalBias −4 and factorScale 0.1',
    })
  }
  return new Map(
    parametersOf(spec, head).map((parameter, index) => {
      const weight = initialWeight(parameter, seed, index)
      if (parameter.name === 'head.logDiagonal.bias') weight.data.fill(logDiagonalBias)
      if (parameter.name === 'head.factor.weight') scale(weight.data, factorScale)
      return [parameter.name, weight]
    }),
  )
}

function initialWeight({ shape, initializer }: Parameter, seed: number, stream: number): Weight {
  const count = shape.reduce((product, length) => product * length, 1)
  if (initializer.kind === 'constant') return { shape, data: new Float32Array(count).fill(initializer.value) }
  const data = standardNormals(count, { seed, stream, plane: PLANE })
  scale(data, Math.sqrt(2 / initializer.fanIn))
  return { shape, data }
}

function scale(data: Float32Array, factor: number): void {
  for (let index = 0; index < data.length; index++) data[index]! *= factor
}

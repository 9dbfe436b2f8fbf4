import { deepmedicBrats, initialWeights, type NetworkSpec, unet } from '@stochseg/backbones'
import { ssnHead, standardNormals } from '@stochseg/core'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { expectClose } from '../../../../scripts/expect-close'
import { openBackend } from '../backend'
import { checkGradient, gradientSelfTest, normalVariable, spacedVariable } from '../gradient-self-test'
import { backendMatrix, createTfjsEngine } from '../index'
import { materialisedLoss } from '../loss'
import { composedNormalise, normalise } from '../operations/normalisation'
import { FIRST_VOXEL, firstVoxelFindings } from '../test-programs/first-voxel'

const head = ssnHead({ classes: 2, rank: 2 })
const fault = await openBackend({ backend: 'tensorflow' }).then(
  () => undefined,
  (error: Error) => error,
)

it.runIf(fault)('is refused where tfjs-node is missing, saying what to do', () => {
  expect(fault!.message).toMatch(
    /tfjs-node not (installed|loaded).*npm install @tensorflow\/tfjs-node@4\.22\.0.*setup:libtensorflow/,
  )
})

describe.skipIf(fault)(
  `tensorflow${fault ? ': skipped without tfjs-node (npm run setup:libtensorflow)' : ''}`,
  () => {
    it('has right gradients', async () => {
      expect(tf.getBackend()).toBe('tensorflow')
      await gradientSelfTest(unet({ inputChannels: 1, widths: [8, 16], pool: 'max' }), head)
      await gradientSelfTest(unet({ inputChannels: 1, widths: [8, 16] }), head, materialisedLoss)
      await gradientSelfTest(unet({ dimensions: 3, inputChannels: 2, widths: [4, 8] }), head)
      await gradientSelfTest(deepmedicBrats(), head)
    })

    it('computes every operation and its gradient rightly', async () => {
      const reports = await backendMatrix({ backend: 'tensorflow' })
      expect(reports.filter(({ forward, gradient }) => forward !== 'right' || gradient !== 'right')).toEqual(
        [],
      )
    })

    it('begins with the first voxel where a stride exceeds the window of a volume', async () => {
      expect(await firstVoxelFindings()).toEqual(FIRST_VOXEL)
    })

    it('has the gradients that TF.js lacks, though tfjs-node registers those of TF.js', async () => {
      await checkGradient('cumulative sum', () => {
        const variable = normalVariable([4, 3], 0)
        return {
          variables: [variable],
          compute: () => tf.cumsum(variable, 0),
          dispose: () => variable.dispose(),
        }
      })
    })

    it("repairs the cpu backend, of which tfjs-node registers TF.js' kernels", async () => {
      await tf.setBackend('cpu')
      await checkGradient('max pool 2×3×1', () => {
        const variable = spacedVariable([1, 4, 6, 2, 1])
        return {
          variables: [variable],
          compute: () => tf.maxPool3d(variable as tf.Tensor as tf.Tensor5D, [2, 3, 1], [2, 3, 1], 'valid'),
          dispose: () => variable.dispose(),
        }
      })
      await tf.setBackend('tensorflow')
    })

    it('normalises as the composition does, with the biased variance', async () => {
      await openBackend({ backend: 'tensorflow' })
      const [x, scale, bias] = [[2, 3, 4, 5], [5], [5]].map((shape, plane) =>
        tf.tensor(standardNormals(tf.util.sizeFromShape(shape), { seed: 3, plane }), shape),
      ) as [tf.Tensor, tf.Tensor1D, tf.Tensor1D]
      for (const [index, fused] of normalise(x, scale, bias, 1e-3).entries()) {
        const composed = composedNormalise(x, scale, bias, 1e-3)[index]!
        expect(fused.shape).toEqual(composed.shape)
        expectClose(await fused.data(), await composed.data(), 1e-6)
      }
    })

    it.each([2, 3] as const)('learns as wasm does, in %iD', async (dimensions) => {
      const spec = unet({ dimensions, inputChannels: 1, widths: [4, 8] })
      const onTensorflow = await losses('tensorflow', spec)
      expect(onTensorflow.at(-1)).toBeLessThan(0.8 * onTensorflow[0]!)
      const onWasm = await losses('wasm', spec)
      for (const [step, loss] of onTensorflow.entries()) expect(loss / onWasm[step]!).toBeCloseTo(1, 3)
    })
  },
)

async function losses(backend: string, spec: NetworkSpec): Promise<number[]> {
  const weights = initialWeights(spec, head, { seed: 1, logDiagonalBias: -4, factorScale: 0.3 })
  const engine = await createTfjsEngine({ spec, head, weights, backend })
  const spatial = Array<number>(spec.dimensions).fill(8)
  const voxels = 8 ** spec.dimensions
  const images = standardNormals(2 * voxels, { seed: 2 })
  const labels = Uint8Array.from(images, (value) => (value > 0 ? 1 : 0))
  const batch = { images, labels, batch: 2, channels: 1, spatial }
  const result: number[] = []
  for (let step = 0; step < 8; step++) {
    const options = { learningRate: 1e-2, phase: 'all', samples: 8, seed: 1, stream: 2 * step } as const
    result.push((await engine.step(batch, options)).loss)
  }
  engine.dispose()
  return result
}

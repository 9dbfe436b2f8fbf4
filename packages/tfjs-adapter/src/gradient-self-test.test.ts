import { deepmedicBrats, meshnet, unet } from '@stochseg/backbones'
import { RuntimeUnavailableError, ssnHead } from '@stochseg/core'
import '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBackend } from './backend'
import { gradientSelfTest } from './gradient-self-test'
import { materialisedLoss } from './loss'

const head = ssnHead({ classes: 2, rank: 3 })
const spec = unet({ inputChannels: 1, widths: [8, 16], pool: 'max' })

beforeAll(() => tf.setBackend('wasm'))

// In this order: the first test needs the backend as TF.js ships it.
describe('gradientSelfTest', () => {
  it('refuses stock wasm, naming the operation and the backend', async () => {
    const refusal = gradientSelfTest(spec, head)
    await expect(refusal).rejects.toThrow(RuntimeUnavailableError)
    await expect(refusal).rejects.toThrow(
      /gradient of convolution 1×1 \('head\.mean'\) on TF\.js backend 'wasm'/,
    )
  })

  it('passes repaired wasm, with either loss', async () => {
    await openBackend()
    await gradientSelfTest(spec, head)
    await gradientSelfTest(spec, head, materialisedLoss)
    await gradientSelfTest(unet({ dimensions: 3, inputChannels: 2, widths: [4, 8] }), head)
  })

  it.each([2, 3] as const)('passes every operation in %iD', async (dimensions) => {
    const axes = (value: number): number[] => Array(dimensions).fill(value)
    const convolution = {
      op: 'convolution',
      channels: 16,
      kernel: axes(3),
      padding: 'same',
      bias: true,
    } as const
    const settings = [
      convolution,
      { ...convolution, stride: axes(2) },
      { ...convolution, padding: 'valid', bias: false },
      { ...convolution, dilation: axes(4) },
      { ...convolution, dilation: axes(3), padding: 'valid', bias: false },
      { ...convolution, dilation: [2, ...axes(1).slice(1)], stride: [1, ...axes(2).slice(1)] },
      { op: 'transposedConvolution', channels: 12, factor: axes(2), bias: true },
      { op: 'groupNorm', groups: 8, epsilon: 1e-3 },
      { op: 'groupNorm', groups: 4, epsilon: 1e-3 },
      ...(['prelu', 'leakyRelu', 'sigmoid', 'tanh'] as const).map(
        (kind) => ({ op: 'activation', function: kind, slope: 0.2 }) as const,
      ),
      { op: 'activation', function: 'leakyRelu', slope: -0.01 },
      { op: 'pool', kind: 'average', window: axes(3) },
      { op: 'pool', kind: 'average', window: axes(16) },
      { op: 'pool', kind: 'max', window: axes(8) },
      { op: 'upsample', kind: 'nearest', factor: axes(2) },
      { op: 'upsample', kind: 'nearest', factor: axes(1) },
      { op: 'upsample', kind: 'linear', factor: axes(1) },
      { op: 'upsample', kind: 'linear', factor: axes(3) },
      { op: 'crop', before: axes(1), after: axes(2) },
      { op: 'slice', start: axes(1), step: axes(3) },
      { op: 'add', inputs: ['image', 'image'] },
      { op: 'dropout', rate: 0.5 },
    ] as const
    const nodes = settings.map((setting, index) => ({ name: `node${index}`, inputs: ['image'], ...setting }))
    // The nodes stand side by side: together they are no network, and need not be.
    const all = { ...spec, dimensions, inputs: [{ name: 'image', channels: 8 }], nodes, features: 'node0' }
    await gradientSelfTest(all, head)
  })

  it('passes the networks that are not U-Nets', async () => {
    await gradientSelfTest(meshnet({ inputChannels: 1 }), head)
    await gradientSelfTest(deepmedicBrats(), head)
  })

  it('leaks nothing', async () => {
    const before = tf.memory().numTensors
    await gradientSelfTest(spec, head)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('sees a gradient that is silently wrong', async () => {
    const right = tf.getKernel(tf.MaxPoolGrad, 'wasm')!
    tf.unregisterKernel(tf.MaxPoolGrad, 'wasm')
    tf.registerKernel({
      ...right,
      kernelFunc: (args) => tf.mul(right.kernelFunc(args) as tf.Tensor, 1.05) as tf.TensorInfo,
    })
    await expect(gradientSelfTest(spec, head)).rejects.toThrow(/gradient of pool max \('down1\.pool'\)/)
    tf.unregisterKernel(tf.MaxPoolGrad, 'wasm')
    tf.registerKernel(right)
  })
})

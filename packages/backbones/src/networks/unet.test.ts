import { ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { tensorShapes } from '../spec/tensor-shapes'
import { withoutAuxiliary } from '../weights/auxiliary'
import { initialWeights } from '../weights/initial-weights'
import { parameterCount, parametersOf } from '../weights/parameters'
import { decodeSafetensors, encodeSafetensors } from '../weights/safetensors'
import { type UnetOptions, unet, unetLidc } from './unet'

const trainable = (spec: ReturnType<typeof unet>): number =>
  parametersOf(spec, ssnHead({ classes: 2, rank: 10 }))
    .filter(({ name, trainable }) => trainable && !name.startsWith('head.'))
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0)

describe('unet', () => {
  it("has the paper's number of parameters as unetLidc: 10,319,776 and 792 in the head", () => {
    const spec = unetLidc()
    expect(trainable(spec)).toBe(10_319_776)
    expect(parameterCount(spec, ssnHead({ classes: 2, rank: 10 }))).toBe(10_319_776 + 792)
  })

  it("halves the resolution between levels and gives a level on the way up the deeper level's width", () => {
    const spec = unet({ inputChannels: 3, widths: [4, 6, 8], convolutionsPerLevel: 1 })
    const shapes = tensorShapes(spec, [16, 32])
    expect(shapes.get('image')).toEqual([3, 16, 32])
    expect(shapes.get('down2.relu0')).toEqual([8, 4, 8])
    expect(shapes.get('up1.concat')).toEqual([14, 8, 16])
    expect(shapes.get('up1.relu0')).toEqual([8, 8, 16])
    expect(shapes.get(spec.features)).toEqual([6, 16, 32])
  })

  it('has biases exactly where no normalisation follows', () => {
    const names = (normalisation: 'batch' | 'none'): string[] =>
      parametersOf(
        unet({ inputChannels: 1, widths: [4, 8], normalisation }),
        ssnHead({ classes: 2, kind: 'deterministic' }),
      ).map(({ name }) => name)
    expect(names('batch')).not.toContain('down0.conv0.bias')
    expect(names('none')).toContain('down0.conv0.bias')
    expect(names('none').some((name) => name.includes('norm'))).toBe(false)
  })

  it('normalises instances or groups, and refuses groups that do not divide', () => {
    const groups = (options: Partial<UnetOptions>): (number | undefined)[] =>
      unet({ inputChannels: 1, widths: [4, 8], ...options }).nodes.flatMap((node) =>
        node.op === 'groupNorm' ? [node.groups] : [],
      )
    expect(groups({ normalisation: 'instance', convolutionsPerLevel: 1 })).toEqual([4, 8, 8])
    expect(groups({ normalisation: 'group', groups: 2, convolutionsPerLevel: 1 })).toEqual([2, 2, 2])
    expect(() => groups({ normalisation: 'group' })).toThrow(/4 channels in 8 groups/)
  })

  it('learns to up-sample where told, halving the channels', () => {
    const spec = unet({ inputChannels: 1, widths: [4, 6, 8], upsampling: 'transposed' })
    const shapes = tensorShapes(spec, [8, 8])
    expect(shapes.get('up1.upsample')).toEqual([4, 4, 4])
    expect(shapes.get('up0.upsample')).toEqual([4, 8, 8])
    expect(shapes.get('up0.concat')).toEqual([8, 8, 8])
  })

  it("adds a level's input where told, through a convolution where the channels differ", () => {
    const spec = unet({ inputChannels: 4, widths: [4, 8], residual: true, activation: 'leakyRelu' })
    const sum = (name: string): readonly string[] => spec.nodes.find((node) => node.name === name)!.inputs
    expect(sum('down0.sum')).toEqual(['down0.norm1', 'image'])
    expect(sum('down1.sum')).toEqual(['down1.norm1', 'down1.shortcutNorm'])
    expect(sum('up0.shortcut')).toEqual(['up0.concat'])
    expect(spec.features).toBe('up0.leakyRelu1')
  })

  it('works in 3D and with one level', () => {
    expect(
      tensorShapes(unet({ dimensions: 3, inputChannels: 1, widths: [2, 3] }), [4, 6, 8]).get('down1.relu1'),
    ).toEqual([3, 2, 3, 4])
    expect(unet({ inputChannels: 1, widths: [4] }).features).toBe('down0.relu1')
  })

  it('supervises the inner levels on the way up when told to, with heads that inference leaves out', () => {
    const options = { inputChannels: 1, widths: [4, 6, 8] }
    const spec = unet({ ...options, deepSupervision: true })
    expect(spec.auxiliary).toEqual([{ tensor: 'up1.relu1', weight: 0.5 }])
    const head = ssnHead({ classes: 3, rank: 2 })
    expect(parameterCount(spec, head) - parameterCount(unet(options), head)).toBe(8 * 3 + 3)
    const weights = initialWeights(spec, head, { seed: 1 })
    expect([...weights.keys()].slice(-2)).toEqual(['auxiliary.up1.relu1.weight', 'auxiliary.up1.relu1.bias'])
    const trained = withoutAuxiliary(spec, weights)
    expect(trained.spec).toEqual(unet(options))
    expect(trained.weights).toEqual(initialWeights(unet(options), head, { seed: 1 }))
    expect(decodeSafetensors(encodeSafetensors(weights)).weights).toEqual(weights)
    expect(unet({ inputChannels: 1, widths: [4], deepSupervision: true })).not.toHaveProperty('auxiliary')
  })

  it('refuses no levels and no convolutions', () => {
    expect(() => unet({ inputChannels: 1, widths: [] })).toThrow(/0 levels/)
    expect(() => unet({ inputChannels: 1, widths: [4], convolutionsPerLevel: 0 })).toThrow(/0 convolutions/)
    expect(() => unet({ inputChannels: 1, widths: [4], convolutionsPerLevel: 1.5 })).toThrow(
      /1.5 convolutions/,
    )
    expect(() => unet({ inputChannels: 1, widths: [4], headConvolutions: { count: -1, width: 4 } })).toThrow(
      /-1 before the head/,
    )
    expect(() => unet({ inputChannels: 1, widths: [4.5] })).toThrow(/channels 4.5/)
  })
})

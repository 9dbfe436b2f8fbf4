import { ModelError, ValueError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { builtInBackbones } from './built-in-backbones'
import { type BackboneTask, defineBackbone } from './define-backbone'
import { meshnet } from './meshnet'
import { resolveBackbone } from './resolve-backbone'
import { unet } from './unet'

const task: BackboneTask = { dimensions: 2, inputChannels: 3, head: 'low-rank' }
const own = defineBackbone({
  name: 'own',
  description: 'two dilated convolutions',
  dimensions: [2],
  defaults: { dilations: [1, 2], width: 4 },
  build: ({ dimensions, inputChannels }, options) => meshnet({ dimensions, inputChannels, ...options }),
})

describe('defineBackbone', () => {
  it('builds with its defaults and what is given', () => {
    expect(own.build(task)).toEqual(meshnet({ dimensions: 2, inputChannels: 3, dilations: [1, 2], width: 4 }))
    expect(own.build(task, { width: 6 })).toEqual(
      meshnet({ dimensions: 2, inputChannels: 3, dilations: [1, 2], width: 6 }),
    )
  })

  it.each([
    [
      'options that it does not know',
      { depth: 3 },
      /option 'depth': found no such option; expected dilations, width/,
    ],
    ['another type than the default', { width: '4' }, /'width': found "4"; expected number, e\.g\. 4/],
    ['a list of another type', { dilations: ['1'] }, /found \["1"\]; expected a list of numbers/],
    ['inherited names', { constructor: 1 }, /'constructor': found no such option/],
  ])('refuses %s', (_, options, message) => {
    expect(() => own.build(task, options)).toThrow(message)
    expect(() => own.build(task, options)).toThrow(ValueError)
  })

  it('refuses images that it is not for, and a network that is not for the images', () => {
    expect(() => own.build({ ...task, dimensions: 3 })).toThrow(/found images of 3 dimensions; expected 2/)
    const stubborn = defineBackbone({
      name: 'stubborn',
      description: '',
      dimensions: [2, 3],
      defaults: {},
      build: () => unet({ inputChannels: 1, widths: [2] }),
    })
    expect(() => stubborn.build(task)).toThrow(/inputs of 1 channels; expected 2 dimensions, one input of 3/)
    expect(() => stubborn.build({ ...task, inputChannels: 1, dimensions: 3 })).toThrow(ModelError)
  })
})

describe('built-in backbones', () => {
  it('take an empty list for a list', () => {
    const deepmedic = builtInBackbones.find(({ name }) => name === 'deepmedic')!
    const { nodes } = deepmedic.build(task, { jointWidths: [], dropout: [0] })
    expect(nodes.map(({ name }) => name)).not.toContain('joint.block1.conv')
  })

  it.each(builtInBackbones.map((backbone) => [backbone.name, backbone] as const))(
    '%s builds',
    (_, backbone) => {
      for (const dimensions of backbone.dimensions) {
        for (const head of ['low-rank', 'deterministic'] as const) {
          const spec = backbone.build({ dimensions, inputChannels: 2, head })
          expect([spec.dimensions, spec.inputs[0]!.channels]).toEqual([dimensions, 2])
        }
      }
    },
  )

  it('refuses a choice that there is not', () => {
    const backbone = builtInBackbones.find(({ name }) => name === 'unet')!
    for (const option of ['activation', 'pool', 'upsampling', 'normalisation']) {
      expect(() => backbone.build(task, { [option]: 'magic' }), option).toThrow(/magic/)
    }
  })
})

describe('resolveBackbone', () => {
  it('finds built-in backbones by name, and others as the default export of a package', async () => {
    expect((await resolveBackbone('meshnet')).name).toBe('meshnet')
    const found = await resolveBackbone('some-package', async (specifier) => {
      expect(specifier).toBe('some-package')
      return { default: own }
    })
    expect(found).toBe(own)
  })

  it('says what there is where it finds nothing', async () => {
    const missing = resolveBackbone('no-such-package')
    await expect(missing).rejects.toThrow(ModelError)
    await expect(missing).rejects.toThrow(/no package \(.*unet, unet-lidc, deepmedic.*install the package/)
    const stack = async (): Promise<never> => {
      throw new Error("Cannot find module 'x'\nRequire stack:\n- /here.js")
    }
    await expect(resolveBackbone('x', stack)).rejects.toThrow(
      /no package \(Cannot find module 'x'\); expected/,
    )
    await expect(resolveBackbone('x', async () => ({ default: {} }))).rejects.toThrow(
      /default export is none/,
    )
  })
})

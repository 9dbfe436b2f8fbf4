// A backbone that stochseg does not bring: convolutions of the image at several resolutions, side by side.
import { defineBackbone, networkSpec } from '@stochseg/backbones'

export default defineBackbone({
  name: 'pyramid',
  description: 'one convolution at each of several resolutions, and one on all of them',
  dimensions: [2, 3],
  defaults: { levels: 3, width: 8 },

  build({ dimensions, inputChannels }, { levels, width }) {
    const perAxis = (value) => Array(dimensions).fill(value)
    const convolution = { op: 'convolution', channels: width, padding: 'same', bias: true }

    const level = (name, factor) => [
      { op: 'pool', name: `${name}.pool`, inputs: ['image'], kind: 'average', window: perAxis(factor) },
      { ...convolution, name: `${name}.conv`, inputs: [`${name}.pool`], kernel: perAxis(3) },
      { op: 'activation', name: `${name}.relu`, inputs: [`${name}.conv`], function: 'relu' },
      { op: 'upsample', name, inputs: [`${name}.relu`], kind: 'linear', factor: perAxis(factor) },
    ]
    const names = Array.from({ length: levels }, (_, index) => `level${index}`)

    return networkSpec({
      format: 'stochseg.network',
      version: 1,
      name: 'pyramid',
      dimensions,
      inputs: [{ name: 'image', channels: inputChannels }],
      nodes: [
        ...names.flatMap((name, index) => level(name, 2 ** index)),
        { op: 'concat', name: 'levels', inputs: names },
        { ...convolution, name: 'mix', inputs: ['levels'], kernel: perAxis(1) },
        { op: 'activation', name: 'features', inputs: ['mix'], function: 'relu' },
      ],
      features: 'features',
    })
  },
})

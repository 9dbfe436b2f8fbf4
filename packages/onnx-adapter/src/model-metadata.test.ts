import { unet } from '@stochseg/backbones'
import { ModelError, ssnHead } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { decodeMetadata, encodeMetadata, type ModelMetadata } from './model-metadata'

const metadata: ModelMetadata = {
  head: ssnHead({ classes: 4, rank: 10, epsilon: 1e-7 }),
  backbone: 'unet',
  channels: 2,
  dimensions: 3,
  minimumSize: [4, 4, 1],
  multipleOf: [4, 4, 1],
  receptiveField: [30, 30, 9],
  network: unet({ dimensions: 3, inputChannels: 2, widths: [2, 3] }),
  properties: { classNames: 'background, core, edema, enhancing', empty: '' },
}

describe('metadata', () => {
  it('comes back from strings as it was', () => {
    expect(decodeMetadata(encodeMetadata(metadata))).toEqual(metadata)
  })

  it('may lack the network, as older files do', () => {
    const { network: _, ...older } = metadata
    expect(decodeMetadata(encodeMetadata(older))).toEqual(older)
  })

  it.each<Partial<ModelMetadata>>([
    { factorLayout: 'rank-major' },
    { sampler: 'noise inputs' },
    { fixedSize: true },
    { fixedBatch: 2 },
  ])('may say %j', (part) => {
    expect(decodeMetadata(encodeMetadata({ ...metadata, ...part }))).toEqual({ ...metadata, ...part })
  })

  it.each([
    ['a missing entry', 'epsilon', undefined, /no 'stochseg.epsilon'/],
    ['a newer format', 'format', '2', /format 2/],
    ['an unknown head', 'head', 'mixture', /head 'mixture'/],
    ['an impossible rank', 'rank', '0', /rank 0/],
    ['an unknown order of channels', 'factorLayout', 'any', /factorLayout = 'any'/],
    ['a batch of no images', 'fixedBatch', '0', /fixedBatch = '0'/],
    ['an unknown sampler', 'sampler', 'any', /sampler = 'any'/],
    ['something that is no number', 'channels', 'two', /channels = 'two'/],
    ['part of a channel', 'channels', '1.5', /1.5 channels/],
    ['another number of axes', 'multipleOf', '4 4', /multipleOf = '4 4'/],
    ['a network that is none', 'network', '{"version": 9}', /stochseg.network that is none/],
    ['other dimensions', 'dimensions', '4', /4 dimensions/],
  ])('refuses %s', (_, name, value, message) => {
    const entries = encodeMetadata(metadata)
    if (value === undefined) entries.delete(`stochseg.${name}`)
    else entries.set(`stochseg.${name}`, value)
    expect(() => decodeMetadata(entries)).toThrow(message)
    expect(() => decodeMetadata(entries)).toThrow(ModelError)
  })
})

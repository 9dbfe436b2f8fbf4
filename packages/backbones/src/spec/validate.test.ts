import { ModelError } from '@stochseg/core'
import { describe, expect, it } from 'vitest'
import { unet } from '../networks/unet'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { networkSpec } from './validate'

const relu = (name: string, input: string): NetworkNode => ({
  op: 'activation',
  name,
  inputs: [input],
  function: 'relu',
})

const spec = (nodes: readonly object[], extra: object = {}): NetworkSpec =>
  ({
    format: 'stochseg.network',
    version: 1,
    name: 'test',
    dimensions: 2,
    inputs: [
      { name: 'image', channels: 2 },
      { name: 'other', channels: 3 },
    ],
    nodes,
    features: 'image',
    ...extra,
  }) as NetworkSpec

describe('networkSpec', () => {
  it.each([
    [[{ tensor: 'nothing', weight: 1 }], /auxiliary head on 'nothing'.*no such tensor/],
    [[{ tensor: 'a', weight: 0 }], /weight 0/],
    [
      [
        { tensor: 'a', weight: 1 },
        { tensor: 'a', weight: 2 },
      ],
      /a second one/,
    ],
  ])('refuses auxiliary heads %j', (auxiliary, message) => {
    expect(() => networkSpec(spec([relu('a', 'image')], { auxiliary }))).toThrow(message)
  })

  it('accepts a node that only an auxiliary head depends on', () => {
    const auxiliary = [{ tensor: 'a', weight: 1 }]
    expect(networkSpec(spec([relu('a', 'image')], { auxiliary })).auxiliary).toEqual(auxiliary)
  })

  it('accepts a spec that went through JSON', () => {
    const network = unet({ inputChannels: 1, widths: [2, 4] })
    expect(networkSpec(JSON.parse(JSON.stringify(network)))).toEqual(network)
  })

  it.each([
    ['another version', spec([], { version: 2 }), /version 2/],
    ['no nodes', spec([], { nodes: undefined }), /no nodes/],
    ['a name used twice', spec([relu('a', 'image'), relu('a', 'image')]), /'a': found a second tensor/],
    ['a name that the head needs', spec([relu('mean', 'image')]), /'mean': found a reserved name/],
    [
      'a tensor read before it is written',
      spec([relu('b', 'a'), relu('a', 'image')]),
      /'b': found input 'a' before/,
    ],
    ['a node that leads nowhere', spec([relu('a', 'image')]), /'a': found an output that no head depends on/],
    [
      'a tensor that a node reads twice',
      spec([{ op: 'add', name: 's', inputs: ['image', 'image'] }], { features: 's' }),
      /'s': found inputs image, image; expected different ones/,
    ],
    ['no name', spec([], { name: undefined }), /name: found nothing/],
    ['null for an input', spec([], { inputs: [null] }), /the input null/],
    ['null for a node', spec([null as never]), /the node null/],
    ['a word for inputs', spec([{ ...relu('a', 'image'), inputs: 'image' }]), /'a': found inputs "image"/],
    ['null for auxiliary heads', spec([], { auxiliary: null }), /auxiliary heads: found null/],
    ['features that do not exist', spec([], { features: 'x' }), /features 'x'/],
    ['too many inputs', spec([{ ...relu('a', 'image'), inputs: ['image', 'other'] }]), /'a': found 2 inputs/],
    [
      'a sum of unequal channels',
      spec([{ op: 'add', name: 's', inputs: ['image', 'other'] }]),
      /'s': found inputs of 2 and 3/,
    ],
    [
      'a window for another number of axes',
      spec([{ op: 'pool', name: 'p', inputs: ['image'], kind: 'max', window: [2] }]),
      /window \[2\]/,
    ],
    [
      'groups that do not divide the channels',
      spec([{ op: 'groupNorm', name: 'g', inputs: ['other'], groups: 2, epsilon: 1e-5 }]),
      /'g': found 3 channels in 2 groups/,
    ],
    ['an unknown operation', spec([{ op: 'fft', name: 'f', inputs: ['image'] }]), /operation fft/],
    ['an unknown function', spec([{ ...relu('a', 'image'), function: 'gelu' }]), /function gelu/],
    [
      'stride together with dilation',
      spec([
        {
          op: 'convolution',
          name: 'c',
          inputs: ['image'],
          channels: 1,
          kernel: [3, 3],
          stride: [1, 2],
          dilation: [1, 2],
          padding: 'same',
          bias: true,
        },
      ]),
      /stride \[1,2\] with dilation/,
    ],
  ])('refuses %s, naming the node', (_, wrong, message) => {
    expect(() => networkSpec(wrong)).toThrow(message)
    expect(() => networkSpec(wrong)).toThrow(ModelError)
  })
})

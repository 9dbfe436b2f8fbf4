// The backbones that this package brings, by name.
import { deepmedic, deepmedicBrats } from './deepmedic'
import { type Backbone, defineBackbone } from './define-backbone'
import { meshnet } from './meshnet'
import { type UnetOptions, unet, unetLidc } from './unet'

/** Every backbone of this package. */
export const builtInBackbones: readonly Backbone[] = [
  defineBackbone({
    name: 'unet',
    description: 'U-Net of any depth and width',
    dimensions: [2, 3],
    defaults: {
      widths: [16, 32, 64],
      convolutionsPerLevel: 2,
      normalisation: 'batch',
      groups: 8,
      activation: 'relu',
      pool: 'average',
      upsampling: 'linear',
      residual: false,
      deepSupervision: false,
    },
    build: ({ dimensions, inputChannels }, options) =>
      // The spec's own check refuses names that are none of the choices.
      unet({ dimensions, inputChannels, ...options } as UnetOptions),
  }),
  defineBackbone({
    name: 'unet-lidc',
    description: "U-Net of the SSN paper's LIDC experiment",
    dimensions: [2],
    defaults: {},
    build: ({ inputChannels }) => unetLidc(inputChannels),
  }),
  defineBackbone({
    name: 'deepmedic',
    description: 'DeepMedic of any pathways and width',
    dimensions: [2, 3],
    defaults: {
      scaleFactors: [5, 3, 1],
      widths: [30, 30, 40, 40, 40, 40, 50, 50],
      jointWidths: [250, 250],
      dropout: [0, 0.5, 0.5],
    },
    build: (task, options) =>
      deepmedic({ ...task, ...options, ...(task.head === 'deterministic' ? { featureWidth: 0 } : {}) }),
  }),
  defineBackbone({
    name: 'deepmedic-brats',
    description: "DeepMedic of the SSN paper's BraTS experiment",
    dimensions: [3],
    defaults: {},
    build: ({ inputChannels, head }) =>
      deepmedicBrats({ inputChannels, deterministic: head === 'deterministic' }),
  }),
  defineBackbone({
    name: 'meshnet',
    description: 'MeshNet: dilated convolutions at full resolution',
    dimensions: [2, 3],
    defaults: { width: 5, dilations: [1, 2, 4, 8, 16, 8, 4, 2, 1], batchNormalisation: false },
    build: ({ dimensions, inputChannels }, { batchNormalisation, ...options }) =>
      meshnet({
        dimensions,
        inputChannels,
        ...options,
        normalisation: batchNormalisation ? 'batch' : 'none',
      }),
  }),
]

// The public face of @stochseg/data.
export { type AmbiguousDataset, ambiguousShapes, type Mode } from './ambiguous-shapes'
export { augmentation } from './augmentation/augmentation'
export {
  type AugmentationOptions,
  augmentationOptions,
  bratsAugmentation,
  lidcAugmentation,
} from './augmentation/augmentation-options'
export {
  type AugmentationPool,
  type AugmentationPoolOptions,
  augmentationPool,
} from './augmentation/augmentation-pool'
export { type BestPossible, bestPossible } from './best-possible'
export { type Hdf5Options, openHdf5Dataset } from './hdf5'
export {
  decodeNifti,
  encodeNifti,
  type NiftiData,
  type NiftiVolume,
  readNifti,
  UNKNOWN_SPACE,
  writeNifti,
} from './nifti'
export { type NiftiFolderOptions, openNiftiFolder } from './nifti-folder'
export { type NiftiSpace, niftiAffine } from './nifti-header'
export { type NiftiImage, type NiftiImageFiles, readNiftiImage } from './nifti-image'
export { KNOWN_LAYOUTS, type NiftiLayout, niftiLayout } from './nifti-layout'
export { patientImage } from './nifti-patients'
export { decodeNpy, encodeNpy, type NpyArray, type NpyData, type NpyImage, npyImage, readNpy } from './npy'
export { openDataset } from './open-dataset'
export type { OpenDataset, OpenOptions, Split } from './open-options'
export {
  decodePng,
  encodePng,
  type NormalizedImage,
  normalizePng,
  type PngImage,
  readPng,
  writePng,
} from './png'
export { openPngFolder } from './png-folder'
export { writePngFolder } from './write-png-folder'

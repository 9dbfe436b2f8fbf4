// The toy problem of the paper's section 5.1.
export type { ToyHead } from './toy-model'
export { TOY_PIXELS, toyLabelMaps } from './toy-problem'
export { type ToyOptions, type TrainedToy, trainToy } from './train-toy'

// The kernels, and the first byte of memory that is free for their blocks.
export { factorNoise } from './factor-noise'
export { labelMaps } from './label-maps'
export { logits } from './logits'
export { logLikelihoods, lossGradients } from './loss'
export { marginals } from './marginals'
export { overlaps } from './overlap'

export const heap: usize = (__heap_base + 63) & ~63

// Kernels over TF.js' own WASM memory: pointers in, nothing allocated, no state. Arrays are float32.
export * from './columns'
export * from './elementwise'
export * from './filter-gradient'
export * from './interpolation'
export * from './panels'
export * from './pointwise'
export * from './winograd'

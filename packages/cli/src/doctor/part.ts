// The parts that doctor's work falls into. Loads nothing: the verb's options name them.

/** Training backends, and all that predicts. */
export const PARTS = ['wasm', 'cpu', 'tensorflow', 'webgpu', 'inference'] as const

export type Part = (typeof PARTS)[number]

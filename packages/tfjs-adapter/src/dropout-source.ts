// Where dropout masks come from: a seed for each step, so that a step is a pure function of its seed and stream.

/** Shared by a model's dropout layers; the engine sets it before each step. */
export interface DropoutSource {
  seed: number
  stream: number
}

/** The seed of one layer's mask in this step, as text: TF.js hashes it. */
export function dropoutSeed(source: DropoutSource, layer: string): string {
  return `${source.seed}/${source.stream}/${layer}`
}

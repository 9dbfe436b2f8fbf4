// The toy problem: a line of pixels that an annotator labels in one of two ways.

/** Pixels of a toy label map. */
export const TOY_PIXELS = 21

/**
 * The two equiprobable label maps, `[2, 21]`: the first third is on, the last third off, the middle third all off or
 * all on. No distribution exceeds a log-likelihood of −ln 2 = −0.693, no independent one −7 ln 2 = −4.852.
 */
export function toyLabelMaps(): Uint8Array {
  const third = TOY_PIXELS / 3
  return new Uint8Array(2 * TOY_PIXELS).fill(1, 0, third).fill(1, TOY_PIXELS, TOY_PIXELS + 2 * third)
}

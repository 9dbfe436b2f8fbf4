// The one check that counts, seeds and indices share.
import { ValueError } from './errors'

/** Number of values of an unsigned 32-bit integer: the range of Philox's counter words. */
export const UINT32_RANGE: number = 2 ** 32

/** Gives `value` back, or throws {@link ValueError} unless it is a whole number in `[least, most]`. */
export function wholeNumber(
  subject: string,
  value: number,
  { least = 0, most, remedy }: { readonly least?: number; readonly most: number; readonly remedy: string },
): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ValueError(subject, {
      found: String(value),
      expected: `a whole number from ${least} to ${most}`,
      remedy,
    })
  }
  return value
}

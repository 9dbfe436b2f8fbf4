// Large arrays: where they do not fit, that is said together with what to do instead.
import { OutOfMemoryError } from './errors'

/** An array of zeros. Throws {@link OutOfMemoryError} where there is no memory for it, or no array may be as long. */
export function allocated<Values>(
  Values: new (length: number) => Values,
  length: number,
  { subject, remedy }: { readonly subject: string; readonly remedy: string },
): Values {
  try {
    return new Values(length)
  } catch (cause) {
    throw new OutOfMemoryError(subject, {
      found: `no room for ${length} values`,
      expected: 'an array that fits into memory',
      remedy,
      cause,
    })
  }
}

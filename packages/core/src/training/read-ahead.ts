// Reading ahead: the data of the next steps are prepared while this one is computed.

/** Steps that are prepared ahead: one is read from disk while the one before it is in the augmentation's workers. */
const AHEAD = 2

/**
 * A function like `read`, to be called with consecutive steps, that has asked for the next two by then.
 *
 * Steps from `end` on are not read. A step that fails does so when it is asked for, not before.
 */
export function readAhead<T>(
  read: (step: number) => Promise<T>,
  { end }: { readonly end: number },
): (step: number) => Promise<T> {
  const begun = new Map<number, Promise<T>>()
  const begin = (step: number): Promise<T> => {
    const reading = begun.get(step) ?? read(step)
    reading.catch(() => {})
    begun.set(step, reading)
    return reading
  }
  return (step) => {
    const wanted = begin(step)
    begun.delete(step)
    for (let next = step + 1; next <= step + AHEAD && next < end; next++) begin(next)
    return wanted
  }
}

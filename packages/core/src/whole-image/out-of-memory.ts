// Runtimes say in many words that memory ran out: their errors are told by their text.
import { OutOfMemoryError } from '../errors'

const WORDS =
  /out[ _-]of[ _-]memory|\boom\b|bad_alloc|failed to allocate|allocation (of \d+ bytes )?failed|not enough memory|invalid typed array length|memory allocation|exceeds? .*buffer/i

/** Whether an error, or what caused it, says that memory ran out. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof OutOfMemoryError) return true
  return WORDS.test(`${error.name} ${error.message}`) || isOutOfMemory(error.cause)
}

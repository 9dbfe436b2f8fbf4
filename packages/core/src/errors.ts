// Every error that stochseg throws on purpose. Each says what was found, what was expected and what to do.

/** What an error message is made of: a sentence each, without the final full stop. */
export interface ErrorDetails {
  readonly found: string
  readonly expected: string
  readonly remedy: string
  readonly cause?: unknown
}

/** Base of all errors thrown on purpose; `message` reads "subject: found …; expected …. Remedy." */
export class StochsegError extends Error {
  // Not the class's own: minifiers rename classes.
  override readonly name: string = 'StochsegError'
  readonly subject: string
  readonly found: string
  readonly expected: string
  readonly remedy: string

  constructor(subject: string, details: ErrorDetails) {
    super(
      `${subject}: found ${details.found}; expected ${details.expected}. ${details.remedy}.`,
      details.cause === undefined ? {} : { cause: details.cause },
    )
    this.subject = subject
    this.found = details.found
    this.expected = details.expected
    this.remedy = details.remedy
  }
}

/** An array or tensor has another shape or length than its description says. */
export class ShapeError extends StochsegError {
  override readonly name = 'ShapeError'
}

/** A number lies outside its range: NaN, a variance ≤ 0, a label that is no class, a fractional sample count. */
export class ValueError extends StochsegError {
  override readonly name = 'ValueError'
}

/** A file or data set cannot be read or written: missing, truncated, of another format, not permitted. */
export class DataError extends StochsegError {
  override readonly name = 'DataError'
}

/** A network, spec, weight file or ONNX model is not what is needed. */
export class ModelError extends StochsegError {
  override readonly name = 'ModelError'
}

/** An optional runtime (TF.js backend, ONNX Runtime) is not installed, or does not work here. */
export class RuntimeUnavailableError extends StochsegError {
  override readonly name = 'RuntimeUnavailableError'
}

/** Training went wrong: loss or weights not finite. */
export class TrainingError extends StochsegError {
  override readonly name = 'TrainingError'
}

/** Memory ran out, on the device or in this process. */
export class OutOfMemoryError extends StochsegError {
  override readonly name = 'OutOfMemoryError'
}

// What a verb may touch of the terminal. Tests pass their own, so that verbs run in the tests' process.

/** Where text goes; `process.stdout` and `process.stderr` are such. */
export interface TextOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The terminal as a verb sees it. */
export interface CommandIo {
  /** Results: a table for people, or JSON for machines. */
  readonly stdout: TextOutput
  /** Progress and errors. */
  readonly stderr: TextOutput
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  /** The path of this command, for work that is done in processes of its own; without it, that is done here. */
  readonly program?: string
}

// Why an optional package did not load, in words.

/** `not installed`, or `not loaded: …` with the first line of the reason; for errors of `import(name)`. */
export function notLoaded(name: string, cause: unknown): string {
  const { code, message } =
    cause instanceof Error ? (cause as Error & { code?: string }) : { code: '', message: '' }
  // A package that is there may lack one that it imports itself, and says so with the same code.
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)) return 'not installed'
  return `not loaded: ${(message || String(cause)).split('\n')[0]!.replace(/\.$/, '')}`
}

// Ctrl-C: the first asks the verb to stop cleanly, the second ends the process at once.

/** A signal that SIGINT and SIGTERM abort, and a function that stops listening. */
export function interruptSignal(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController()
  const release = (): void => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt)
  }
  const interrupt = (name: NodeJS.Signals): void => {
    release() // without a listener, the next signal has its default effect
    process.stderr.write(
      '\nStopping after this step; once more ends at once, and what is not saved is lost.\n',
    )
    controller.abort(new DOMException(`interrupted by ${name}`, 'AbortError'))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt)
  return { signal: controller.signal, release }
}

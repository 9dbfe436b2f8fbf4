// Long computations let the event loop run between their parts, so that they can be interrupted.

/** Resolves after pending events (Ctrl-C, timers, input) were handled. */
export function pendingEvents(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

// Node's own modules, where the program runs in Node: never imported, so that bundles for browsers hold none of them.

/** Gives Node's built-in modules; undefined in browsers. */
export const node: NodeJS.Process['getBuiltinModule'] | undefined =
  globalThis.process?.getBuiltinModule?.bind(globalThis.process)

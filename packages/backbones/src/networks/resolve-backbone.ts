// From a name to a backbone: one of ours, or a package's.
import { ModelError } from '@stochseg/core'
import { builtInBackbones } from './built-in-backbones'
import type { Backbone } from './define-backbone'

/** Loads a module by its specifier. */
export type ImportModule = (specifier: string) => Promise<unknown>

/**
 * The backbone of a name: a built-in one, else the default export of the package of that name.
 *
 * @param importModule `import()` unless given; a program with another idea of where packages lie passes its own.
 *
 * Throws {@link ModelError} where there is no such package, or its default export is no backbone.
 */
export async function resolveBackbone(
  name: string,
  importModule: ImportModule = (specifier) => import(/* webpackIgnore: true */ /* @vite-ignore */ specifier),
): Promise<Backbone> {
  const builtIn = builtInBackbones.find((backbone) => backbone.name === name)
  if (builtIn) return builtIn
  const expected = `${builtInBackbones.map((backbone) => backbone.name).join(', ')}, or a package whose default export is a backbone`
  let module: unknown
  try {
    module = await importModule(name)
  } catch (cause) {
    throw new ModelError(`backbone '${name}'`, {
      found: `no backbone of that name, and no package (${firstLine(cause)})`,
      expected,
      remedy: 'Correct the name, or install the package',
      cause,
    })
  }
  const exported = (module as { default?: unknown }).default
  if (isBackbone(exported)) return exported
  throw new ModelError(`backbone '${name}'`, {
    found: 'a package whose default export is none',
    expected,
    remedy: 'A package exports what defineBackbone gives: export default defineBackbone({ … })',
  })
}

/** Node adds a list of files that asked for the module. */
function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!
}

function isBackbone(value: unknown): value is Backbone {
  const backbone = value as Partial<Backbone> | null | undefined
  return typeof backbone?.build === 'function' && typeof backbone.name === 'string'
}

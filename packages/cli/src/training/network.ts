// The network that a configuration means.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkInputSize, geometryOf, type NetworkSpec, resolveBackbone } from '@stochseg/backbones'
import { type Dataset, type SsnHead, ssnHead } from '@stochseg/core'
import type { TrainingConfiguration } from './configuration'

/**
 * Body and head for the images of a data set, or patches of them. Throws `ShapeError` when they do not fit the body, `ModelError` for a
 * backbone that cannot be found, `ValueError` for options that it does not have.
 */
export async function networkFor(
  { backbone: name, backboneOptions, widths, head: kind, rank, patchSize }: TrainingConfiguration,
  { channels, classes, spatial }: Dataset,
): Promise<{ readonly spec: NetworkSpec; readonly head: SsnHead }> {
  const backbone = await resolveBackbone(name, importFromHere)
  const spec = backbone.build(
    { dimensions: spatial.length as 2 | 3, inputChannels: channels, head: kind },
    { ...(widths ? { widths } : {}), ...backboneOptions },
  )
  checkInputSize(geometryOf(spec), patchSize ?? spatial)
  return { spec, head: ssnHead({ kind, classes, rank }) }
}

/** Imports a package that is installed, or a file that lies, where the command was called. */
async function importFromHere(specifier: string): Promise<unknown> {
  const path = createRequire(join(process.cwd(), 'here.js')).resolve(specifier)
  return import(pathToFileURL(path).href)
}

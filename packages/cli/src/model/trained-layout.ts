// The layout of NIfTI files that a model was trained on, in its ONNX file.
import { ModelError } from '@stochseg/core'
import { type NiftiLayout, niftiLayout } from '@stochseg/data'
import type { OpenModel } from './open-model'

const PROPERTY = 'niftiLayout'

/** A layout as properties of an ONNX file; none where there is no layout. */
export function layoutProperties(layout: NiftiLayout | undefined): Readonly<Record<string, string>> {
  return layout ? { [PROPERTY]: JSON.stringify(layout) } : {}
}

/** The layout in a model's properties, if there is one. Throws {@link ModelError} for one that cannot be used. */
export function trainedLayout({
  path,
  metadata,
}: Pick<OpenModel, 'path' | 'metadata'>): NiftiLayout | undefined {
  const text = metadata.properties[PROPERTY]
  if (text === undefined) return undefined
  try {
    return niftiLayout(JSON.parse(text))
  } catch (cause) {
    throw new ModelError(`property '${PROPERTY}' of '${path}'`, {
      found: `'${text}' (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'the layout of the NIfTI files that it was trained on, as JSON',
      remedy: 'Export the run again',
      cause,
    })
  }
}

// The network that a configuration means.
import { checkInputSize, geometryOf, type NetworkSpec, unet, unetLidc } from '@stochseg/backbones'
import { type Dataset, type SsnHead, ssnHead } from '@stochseg/core'
import type { TrainingConfiguration } from './configuration'

/** Body and head for the images of a data set. Throws `ShapeError` when its images do not fit the body. */
export function networkFor(
  { backbone, widths, head: kind, rank }: TrainingConfiguration,
  { channels, classes, spatial }: Dataset,
): { readonly spec: NetworkSpec; readonly head: SsnHead } {
  const spec = backbone === 'unet-lidc' ? unetLidc(channels) : unet({ inputChannels: channels, widths })
  checkInputSize(geometryOf(spec), spatial)
  return { spec, head: ssnHead({ kind, classes, rank }) }
}

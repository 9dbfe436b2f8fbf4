// Making our layers known to TF.js, so that `loadLayersModel` finds them. Nothing is registered on import.
import { serialization } from '@tensorflow/tfjs-core'
import { ActivationLayer } from './activation-layer'
import { BatchNormalisationLayer } from './batch-normalisation-layer'
import { DilatedConvolutionLayer } from './dilated-convolution-layer'
import { GroupNormalisationLayer } from './group-normalisation-layer'
import { OperationLayer } from './operation-layer'
import { DilatedDepthwiseLayer, RepairedBatchNormalization } from './repaired-layers'
import { TransposedConvolutionLayer } from './transposed-convolution-layer'

/** Registers every layer of this package; again changes nothing. */
export function registerLayers(): void {
  serialization.registerClass(BatchNormalisationLayer)
  serialization.registerClass(DilatedConvolutionLayer)
  serialization.registerClass(DilatedDepthwiseLayer)
  serialization.registerClass(GroupNormalisationLayer)
  serialization.registerClass(OperationLayer)
  serialization.registerClass(RepairedBatchNormalization)
  serialization.registerClass(ActivationLayer)
  serialization.registerClass(TransposedConvolutionLayer)
}

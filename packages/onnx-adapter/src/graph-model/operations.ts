// TensorFlow's operations that become ONNX nodes, by their names.
import { CONVOLUTION_OPERATIONS } from './convolution-operations'
import { ELEMENTWISE_OPERATIONS } from './elementwise-operations'
import type { EmitOperation } from './graph-tensor'
import { LAYOUT_OPERATIONS } from './layout-operations'

export const OPERATIONS: Readonly<Record<string, EmitOperation>> = {
  ...CONVOLUTION_OPERATIONS,
  ...ELEMENTWISE_OPERATIONS,
  ...LAYOUT_OPERATIONS,
}

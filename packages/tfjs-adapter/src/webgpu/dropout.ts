// Dropout whose mask is drawn in the shader that uses it, of the same bits as operations/dropout.ts.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import type * as tf from '@tensorflow/tfjs-core'
import { DROPOUT, type DropoutAttributes, hash } from '../operations/dropout'
import { runShader } from './shader'

export const dropoutKernel: tf.KernelConfig = {
  kernelName: DROPOUT,
  backendName: 'webgpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const x = inputs.x as tf.Tensor
    const { rate, key } = attrs as unknown as DropoutAttributes
    const code = /* wgsl */ `
fn mixed(value : u32) -> u32 {
  var bits = (value ^ (value >> 16u)) * 0x21f0aaadu;
  bits = (bits ^ (bits >> 15u)) * 0xd35a2d97u;
  return bits ^ (bits >> 15u);
}
fn compute(index : i32) {
  if (index >= ${x.size}) { return; }
  let keep = mixed(mixed(u32(index)) ^ uniforms.key) >= ${Math.round(rate * 2 ** 32)}u;
  result[index] = select(0.0, f32(${1 / (1 - rate)}) * x[index], keep);
}
`
    const uniforms = { key: { type: 'u32', data: [hash(key)] } }
    return runShader(backend as WebGPUBackend, { inputs: { x }, shape: x.shape, uniforms, code })
  },
}

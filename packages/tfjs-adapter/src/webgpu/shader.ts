// Running WGSL of our own on the tensors of TF.js' webgpu backend. Shaders see arrays: the number of axes is theirs to know.

import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core'
import { util } from '@tensorflow/tfjs-core'

/** Threads of a workgroup. */
export const WORKGROUP = 64

/** A shader and what it reads. */
export interface Shader {
  /** Each tensor is a storage array under its name: of f32 or i32, or of vec4 where it is listed in {@link quads}. */
  readonly inputs: Readonly<Record<string, TensorInfo>>
  readonly quads?: readonly string[]
  /** Shape of the output, which is the array `result` of f32. */
  readonly shape: readonly number[]
  /** Workgroups to run; enough for a thread for each value of the output unless given. */
  readonly groups?: number
  /** What is true of one call alone, by name. */
  readonly uniforms?: Readonly<Record<string, { readonly type: string; readonly data: readonly number[] }>>
  /** Declarations and `fn compute(index : i32)`, where index counts threads; `group()` gives the workgroup's. */
  readonly code: string
}

// TF.js binds its uniforms to every shader: one that does not touch them would be refused.
const FRAME = /* wgsl */ `
fn group() -> u32 {
  return (workgroupId.z * numWorkgroups.y + workgroupId.y) * numWorkgroups.x + workgroupId.x;
}

fn main(index : i32) {
  _ = uniforms.NAN;
  compute(index);
}
`

/** Puts the shader into the queue. Kept compiled: the same code is compiled once. */
export function runShader(backend: WebGPUBackend, shader: Shader): TensorInfo {
  const { inputs, quads = [], shape, uniforms = {}, code } = shader
  const size = util.sizeFromShape([...shape])
  const names = Object.keys(inputs)
  const program = {
    variableNames: names,
    variableComponents: names.map((name) => (quads.includes(name) ? 4 : 1)),
    outputComponent: 1,
    outputShape: [size],
    dispatchLayout: { x: [0] },
    dispatch: [shader.groups ?? Math.ceil(size / WORKGROUP), 1, 1] as [number, number, number],
    workgroupSize: [WORKGROUP, 1, 1] as [number, number, number],
    uniforms: Object.entries(uniforms)
      .map(
        ([name, { type, data }]) => `${name} : ${data.length === 1 ? type : `vec${data.length}<${type}>`}, `,
      )
      .join(''),
    shaderKey: `stochseg ${quads} ${code}`,
    getUserCode: () => FRAME + code,
  }
  const flat = Object.values(inputs).map(({ dataId, shape, dtype }) => ({
    dataId,
    dtype,
    shape: [util.sizeFromShape(shape)],
  }))
  const data = Object.values(uniforms).map(({ type, data }) => ({ type: TYPES[type]!, data: [...data] }))
  const output = backend.runWebGPUProgram(program, flat, 'float32', data)
  return { ...output, shape: [...shape] }
}

const TYPES: Readonly<Record<string, DataType | 'uint32'>> = { f32: 'float32', i32: 'int32', u32: 'uint32' }

/** A value for each place: `expression` in the inputs and `index`, e.g. `max(x[index], 0.0)`. */
export function elementwise(
  backend: WebGPUBackend,
  inputs: Shader['inputs'],
  shape: readonly number[],
  expression: string,
): TensorInfo {
  const size = util.sizeFromShape([...shape])
  const code = `fn compute(index : i32) { if (index < ${size}) { result[index] = ${expression}; } }`
  return runShader(backend, { inputs, shape, code })
}

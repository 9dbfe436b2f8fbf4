// Convolutions and their gradients in WGSL, each as one product of matrices, where TF.js' webgpu backend has naive loops: all
// of them for volumes, the gradient of the filter for images. Layouts are TF.js' own: x [N, *S, in], filter [*kernel, in, out].
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import type { ConvolutionGeometry } from '../operations/convolution-geometry'
import {
  convolutionKernel,
  filterGradientKernel,
  inputGradientKernel,
} from '../operations/convolution-kernels'
import { type ProductSizes, productWgsl } from './product-wgsl'
import { runShader } from './shader'

/** Sizes of a convolution with three spatial axes; an image's first is 1. */
interface Sizes {
  readonly geometry: ConvolutionGeometry
  readonly batch: number
  readonly inputs: number
  readonly outputs: number
}

/** `seen`: what of x a kernel offset and channel meet at an output voxel. `place`: an index into `[.., *size, channels]`. */
function declarations({ geometry, inputs, outputs }: Sizes): string {
  const { inputSize, outputSize, kernel, stride, dilation, padBefore } = geometry
  const vector = (name: string, values: readonly number[]): string =>
    `const ${name} = vec3i(${values.join(', ')});`
  return /* wgsl */ `
${vector('INPUT', inputSize)}
${vector('OUTPUT', outputSize)}
${vector('KERNEL', kernel)}
${vector('STRIDE', stride)}
${vector('DILATION', dilation)}
${vector('PAD', padBefore)}
const INPUTS = ${inputs};
const OUTPUTS = ${outputs};

// An index into an array of this size as coordinates, and what is left of it in w.
fn coordinates(index : u32, size : vec3i) -> vec4i {
  var rest = i32(index);
  let x = rest % size.z;
  rest /= size.z;
  let y = rest % size.y;
  rest /= size.y;
  return vec4i(rest % size.x, y, x, rest / size.x);
}

fn place(batch : i32, at : vec3i, size : vec3i) -> i32 {
  return ((batch * size.x + at.x) * size.y + at.y) * size.z + at.z;
}
`
}

const SEEN = /* wgsl */ `
fn seen(voxel : u32, weight : u32) -> f32 {
  let output = coordinates(voxel, OUTPUT);
  let offset = coordinates(weight / u32(INPUTS), KERNEL).xyz;
  let at = output.xyz * STRIDE + offset * DILATION - PAD;
  if (any(at < vec3i(0)) || any(at >= INPUT)) { return 0.0; }
  return x[place(output.w, at, INPUT) * INPUTS + i32(weight % u32(INPUTS))];
}
`

function forward(
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const sizes = sizesOf(geometry, x.shape[0]!, filter.shape)
  return product(backend, { x, filter_: filter }, sizes, {
    shape: [sizes.batch, ...geometry.outputSize, sizes.outputs],
    rows: sizes.batch * tf.util.sizeFromShape([...geometry.outputSize]),
    inner: tf.util.sizeFromShape([...geometry.kernel]) * sizes.inputs,
    columns: sizes.outputs,
    neighbours: 'inner',
    values: /* wgsl */ `
${SEEN}
fn left(row : u32, inner : u32) -> f32 { return seen(row, inner); }
fn right(inner : u32, column : u32) -> f32 { return filter_[inner * u32(OUTPUTS) + column]; }
`,
  })
}

/** Gradient with respect to the input: every voxel gathers from the outputs that saw it. */
function inputGradient(
  backend: WebGPUBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const sizes = sizesOf(geometry, dy.shape[0]!, filter.shape)
  return product(backend, { dy, filter_: filter }, sizes, {
    shape: [sizes.batch, ...geometry.inputSize, sizes.inputs],
    rows: sizes.batch * tf.util.sizeFromShape([...geometry.inputSize]),
    inner: tf.util.sizeFromShape([...geometry.kernel]) * sizes.outputs,
    columns: sizes.inputs,
    neighbours: 'inner',
    values: /* wgsl */ `
fn left(row : u32, inner : u32) -> f32 {
  let input = coordinates(row, INPUT);
  let offset = coordinates(inner / u32(OUTPUTS), KERNEL).xyz;
  let reached = input.xyz + PAD - offset * DILATION;
  let at = reached / STRIDE;
  if (any(reached < vec3i(0)) || any(at * STRIDE != reached) || any(at >= OUTPUT)) { return 0.0; }
  return dy[place(input.w, at, OUTPUT) * OUTPUTS + i32(inner % u32(OUTPUTS))];
}
fn right(inner : u32, column : u32) -> f32 {
  let offset = inner / u32(OUTPUTS);
  return filter_[(offset * u32(INPUTS) + column) * u32(OUTPUTS) + inner % u32(OUTPUTS)];
}
`,
  })
}

/** Gradient with respect to the filter: a sum over all voxels, cut into parts. */
function filterGradient(
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  geometry: ConvolutionGeometry,
): tf.TensorInfo {
  const shape = [...geometry.kernel, x.shape.at(-1)!, dy.shape.at(-1)!]
  const sizes = sizesOf(geometry, x.shape[0]!, shape)
  return product(backend, { x, dy }, sizes, {
    shape,
    rows: tf.util.sizeFromShape([...geometry.kernel]) * sizes.inputs,
    inner: sizes.batch * tf.util.sizeFromShape([...geometry.outputSize]),
    columns: sizes.outputs,
    neighbours: 'rows',
    values: /* wgsl */ `
${SEEN}
fn left(row : u32, inner : u32) -> f32 { return seen(inner, row); }
fn right(inner : u32, column : u32) -> f32 { return dy[inner * u32(OUTPUTS) + column]; }
`,
  })
}

/** A product of matrices, `left` and `right` in `values`, and the shape of the tensor that it makes. */
interface Product extends ProductSizes {
  readonly shape: readonly number[]
  readonly neighbours: 'rows' | 'inner'
  readonly values: string
}

function product(
  backend: WebGPUBackend,
  tensors: Readonly<Record<string, tf.TensorInfo>>,
  sizes: Sizes,
  { shape, neighbours, values, ...matrices }: Product,
): tf.TensorInfo {
  const { parts, groups, code } = productWgsl(matrices, neighbours, declarations(sizes) + values)
  const size = matrices.rows * matrices.columns
  const partial = runShader(backend, { inputs: tensors, shape: [parts, size], groups, code })
  if (parts === 1) return { ...partial, shape: [...shape] }
  const addition = /* wgsl */ `
fn compute(index : i32) {
  if (index >= ${size}) { return; }
  var sum = 0.0;
  for (var part = 0; part < ${parts}; part++) { sum += partial[part * ${size} + index]; }
  result[index] = sum;
}
`
  const sum = runShader(backend, { inputs: { partial }, shape, code: addition })
  backend.disposeData(partial.dataId)
  return sum
}

/** The sizes of a convolution of images or volumes. */
function sizesOf(geometry: ConvolutionGeometry, batch: number, filter: readonly number[]): Sizes {
  const flat = geometry.kernel.length === 2
  const lift = (values: readonly number[], first: number): readonly number[] =>
    flat ? [first, ...values] : values
  return {
    geometry: {
      inputSize: lift(geometry.inputSize, 1),
      outputSize: lift(geometry.outputSize, 1),
      kernel: lift(geometry.kernel, 1),
      stride: lift(geometry.stride, 1),
      dilation: lift(geometry.dilation, 1),
      padBefore: lift(geometry.padBefore, 0),
    },
    batch,
    inputs: filter.at(-2)!,
    outputs: filter.at(-1)!,
  }
}

/** Conv3D with its gradients, and the gradient of Conv2D's filter; channels last. */
export const convolutions: readonly tf.KernelConfig[] = [
  convolutionKernel(3, 'webgpu', forward),
  inputGradientKernel(3, 'webgpu', inputGradient),
  filterGradientKernel(2, 'webgpu', filterGradient),
  filterGradientKernel(3, 'webgpu', filterGradient),
]

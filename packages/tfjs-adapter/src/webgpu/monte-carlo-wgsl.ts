// The Monte-Carlo loss in WGSL. Noise is drawn where it is used, twice: nothing but one number for each sample and block of
// voxels is ever stored, and every normal is core's (core/src/noise/noise.ts).
import { NOISE_WGSL } from '@stochseg/core'

/** What is the same from step to step. Arrays are channels last, samples lie in fours. */
export interface MonteCarloSizes {
  readonly batch: number
  readonly voxels: number
  readonly classes: number
  /** 0: no factor. */
  readonly rank: number
  readonly samples: number
  readonly antithetic: boolean
  /** Added to the variances; undefined where there are none, and the mean is the only sample. */
  readonly epsilon: number | undefined
  readonly classWeights: readonly number[] | undefined
}

/** Samples in fours; those beyond the last count for nothing. */
export function quadsOf({ samples }: Pick<MonteCarloSizes, 'samples'>): number {
  return Math.ceil(samples / 4)
}

/** Voxels of one block: 16 for each thread. */
export const BLOCK = 1024

/** The noise of four samples, q·4 …, at a counter's index and plane. */
function quad(antithetic: boolean): string {
  return antithetic
    ? /* wgsl */ `
fn quad(index : u32, plane : u32, q : u32, image : u32) -> vec4f {
  let four = normals(vec4u(index, plane, q >> 1u, uniforms.stream + image), uniforms.key);
  let two = select(four.xy, four.zw, (q & 1u) == 1u);
  return vec4f(two.x, -two.x, two.y, -two.y);
}
`
    : /* wgsl */ `
fn quad(index : u32, plane : u32, q : u32, image : u32) -> vec4f {
  return normals(vec4u(index, plane, q, uniforms.stream + image), uniforms.key);
}
`
}

/** z of every sample, `[N, R, quads, 4]`. */
export function factorNoiseWgsl({ batch, rank, samples, antithetic }: MonteCarloSizes): string {
  const quads = quadsOf({ samples })
  return /* wgsl */ `
${NOISE_WGSL}
${quad(antithetic)}
fn compute(index : i32) {
  if (index >= ${batch * rank * quads}) { return; }
  let q = u32(index) % ${quads}u;
  let row = u32(index) / ${quads}u;
  let z = quad(row % ${rank}u, 0xffffffffu, q, row / ${rank}u);
  for (var m = 0; m < 4; m++) { result[index * 4 + m] = z[m]; }
}
`
}

/** `draw`: the logits of four samples at a voxel, after which `log_probability` gives those of its label. */
function drawing({
  voxels,
  classes,
  rank,
  samples,
  antithetic,
  epsilon,
  classWeights,
}: MonteCarloSizes): string {
  const quads = quadsOf({ samples })
  const weights = classWeights ?? Array<number>(Math.max(classes, 2)).fill(1)
  return /* wgsl */ `
${NOISE_WGSL}
${quad(antithetic)}
var<private> class_weights : array<f32, ${weights.length}> = array<f32, ${weights.length}>(${weights.map((weight) => `f32(${weight})`).join(', ')});
var<private> logits : array<vec4f, ${classes}>;
var<private> noise : array<vec4f, ${classes}>;
// log Σ exp of the logits.
var<private> log_sum : vec4f;

fn draw(image : u32, voxel : u32, q : u32) {
  let at = image * ${voxels}u + voxel;
  for (var c = 0u; c < ${classes}u; c++) {
    var deviation = vec4f(0.0);
    ${
      rank > 0
        ? `for (var r = 0u; r < ${rank}u; r++) {
      deviation += factor[(at * ${classes}u + c) * ${rank}u + r] * z[(image * ${rank}u + r) * ${quads}u + q];
    }`
        : ''
    }
    ${
      epsilon === undefined
        ? ''
        : `noise[c] = quad(voxel, c, q, image);
    deviation += sqrt(exp(log_diagonal[at * ${classes}u + c]) + f32(${epsilon})) * noise[c];`
    }
    logits[c] = mean[at * ${classes}u + c] + deviation;
  }
  ${
    classes === 1
      ? 'log_sum = max(logits[0], vec4f(0.0)) + log(1.0 + exp(-abs(logits[0])));'
      : `var largest = logits[0];
  for (var c = 1u; c < ${classes}u; c++) { largest = max(largest, logits[c]); }
  var sum = vec4f(0.0);
  for (var c = 0u; c < ${classes}u; c++) { sum += exp(logits[c] - largest); }
  log_sum = largest + log(sum);`
  }
}
`
}

/** Σ of log p(label | sample) over the voxels of each block, `[N, blocks, quads · 4]`; a label below 0 counts for nothing. */
export function logLikelihoodWgsl(sizes: MonteCarloSizes): string {
  const { batch, voxels, classes, samples } = sizes
  const quads = quadsOf({ samples })
  const blocks = Math.ceil(voxels / BLOCK)
  return /* wgsl */ `
${drawing(sizes)}
var<workgroup> sums : array<vec4f, 64>;

fn compute(index : i32) {
  let q = group() % ${quads}u;
  let block = (group() / ${quads}u) % ${blocks}u;
  let image = group() / ${quads * blocks}u;
  var sum = vec4f(0.0);
  if (image < ${batch}u) {
    for (var voxel = block * ${BLOCK}u + localIndex; voxel < min((block + 1u) * ${BLOCK}u, ${voxels}u); voxel += 64u) {
      let label = labels[image * ${voxels}u + voxel];
      if (label < 0) { continue; }
      draw(image, voxel, q);
      let chosen = ${classes === 1 ? 'select(vec4f(0.0), logits[0], label == 1)' : 'logits[label]'};
      sum += class_weights[label] * (chosen - log_sum);
    }
  }
  sums[localIndex] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (localIndex < half) { sums[localIndex] += sums[localIndex + half]; }
  }
  if (localIndex == 0u && image < ${batch}u) {
    let at = ((image * ${blocks}u + block) * ${quads}u + q) * 4u;
    for (var m = 0u; m < 4u; m++) { result[at + m] = sums[0][m]; }
  }
}
`
}

/**
 * Gradient with respect to mean, log-diagonal and factor, side by side for each voxel: `[N · V, C · (2 + R)]`, or
 * `[N · V, C]` where the mean is the only sample. `weights` `[N, quads]` are the samples' weights.
 */
export function lossGradientWgsl(sizes: MonteCarloSizes): string {
  const { batch, voxels, classes, rank, samples, epsilon } = sizes
  const quads = quadsOf({ samples })
  const width = gradientWidth(sizes)
  const store = [
    `result[at + c] = sum[c];`,
    ...(epsilon === undefined
      ? []
      : [
          `let variance = exp(log_diagonal[u32(index) * ${classes}u + c]);`,
          `result[at + ${classes}u + c] = with_noise[c] * 0.5 * variance / sqrt(variance + f32(${epsilon}));`,
        ]),
    ...(rank === 0
      ? []
      : [
          `for (var r = 0u; r < ${rank}u; r++) { result[at + ${2 * classes}u + c * ${rank}u + r] = with_z[c * ${rank}u + r]; }`,
        ]),
  ]
  return /* wgsl */ `
${drawing(sizes)}
fn compute(index : i32) {
  if (index >= ${batch * voxels}) { return; }
  let image = u32(index) / ${voxels}u;
  let voxel = u32(index) % ${voxels}u;
  let label = labels[index];
  var sum : array<f32, ${classes}>;
  var with_noise : array<f32, ${classes}>;
  ${rank > 0 ? `var with_z : array<f32, ${classes * rank}>;` : ''}
  for (var q = 0u; q < ${quads}u && label >= 0; q++) {
    draw(image, voxel, q);
    let weight = class_weights[label] * weights[image * ${quads}u + q];
    for (var c = 0u; c < ${classes}u; c++) {
      let observed = f32(${classes === 1 ? 'label' : 'i32(c) == label'});
      let residual = weight * (exp(logits[c] - log_sum) - observed);
      sum[c] += dot(residual, vec4f(1.0));
      with_noise[c] += dot(residual, noise[c]);
      ${
        rank > 0
          ? `for (var r = 0u; r < ${rank}u; r++) {
        with_z[c * ${rank}u + r] += dot(residual, z[(image * ${rank}u + r) * ${quads}u + q]);
      }`
          : ''
      }
    }
  }
  let at = u32(index) * ${width}u;
  for (var c = 0u; c < ${classes}u; c++) {
    ${store.join('\n    ')}
  }
}
`
}

/** Values for each voxel that {@link lossGradientWgsl} gives. */
export function gradientWidth({ classes, rank, epsilon }: MonteCarloSizes): number {
  return classes * (epsilon === undefined ? 1 : 2 + rank)
}

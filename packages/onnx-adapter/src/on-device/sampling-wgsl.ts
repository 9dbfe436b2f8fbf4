// Samples in WGSL: core's arithmetic (docs/architecture.md), four samples in the lanes of a vector, as Philox gives them.
import { NOISE_WGSL } from '@stochseg/core'

/** What shaders are made for. */
export interface ShaderSizes {
  readonly classes: number
  readonly rank: number
  readonly factorLayout?: 'rank-major'
}

/** No |ε| is larger (core/src/noise/normal.ts). */
const LARGEST_NORMAL = 6.555542

/** Threads of a workgroup: each has a voxel, or several. */
export const WORKGROUP = 128

/** A voxel's label in the mean, which samples of ‖z‖ < radius have too, whatever their ε. */
const CERTAINTY = /* wgsl */ `
struct Certainty { label: u32, radius: f32 }
`

function sampling({ classes, rank, factorLayout }: ShaderSizes): string {
  const row = factorLayout
    ? '(image * RANK + component) * CLASSES + label'
    : '(image * CLASSES + label) * RANK + component'
  return /* wgsl */ `${NOISE_WGSL}
const CLASSES = ${classes}u;
const RANK = ${rank}u;

struct Parameters {
  seed: vec2u,
  // Of the first image.
  stream: u32,
  batch: u32,
  voxels: u32,
  // Four samples each, of which the first quad may begin with some that are not asked for.
  first_quad: u32,
  quads: u32,
  skipped: u32,
  samples: u32,
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> factor: array<f32>;
@group(0) @binding(3) var<storage, read> diagonal: array<f32>;
// [image][quad][component], times the component's scale.
@group(0) @binding(4) var<storage, read> z: array<vec4f>;
// [C] class scales, then ‖z‖, rounded up: [N] the largest of each image, [N, quads] of each quad of samples.
@group(0) @binding(5) var<storage, read> scales: array<f32>;

fn largest_of_image(image: u32) -> f32 { return scales[CLASSES + image]; }

fn largest_of_quad(image: u32, quad: u32) -> f32 {
  return scales[CLASSES + parameters.batch + image * parameters.quads + quad];
}

fn loading(image: u32, label: u32, component: u32, voxel: u32) -> f32 {
  return factor[(${row}) * parameters.voxels + voxel];
}

fn logits_of(image: u32, label: u32, voxel: u32, quad: u32) -> vec4f {
  let plane = image * CLASSES + label;
  var sum = vec4f();
  for (var component = 0u; component < RANK; component++) {
    sum += loading(image, label, component, voxel) * z[(image * parameters.quads + quad) * RANK + component];
  }
  let logit = plane * parameters.voxels + voxel;
  let counter = vec4u(voxel, label, parameters.first_quad + quad, parameters.stream + image);
  sum += sqrt(diagonal[logit]) * normals(counter, parameters.seed);
  return mean[logit] + scales[label] * sum;
}

// Which of a quad's samples are asked for.
fn wanted(quad: u32) -> vec4<bool> {
  let position = 4u * quad + vec4u(0u, 1u, 2u, 3u);
  return (position >= vec4u(parameters.skipped)) & (position < vec4u(parameters.skipped + parameters.samples));
}
`
}

/**
 * Which voxels no noise can change (docs/sampling.md, exact culling); those outside the region of interest are certain of 0.
 * Workgroups: voxels, 1, images.
 */
export function certaintyShader(sizes: ShaderSizes): string {
  return /* wgsl */ `${sampling(sizes)}
${CERTAINTY}
// Bytes in words.
@group(0) @binding(6) var<storage, read> roi: array<u32>;
@group(0) @binding(7) var<storage, read_write> certainties: array<Certainty>;
const LARGEST_NORMAL = ${LARGEST_NORMAL};
// Squares that vanish leave no more of a norm.
const NORM_UNDERFLOW = 1e-18;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var voxel = id.x; voxel < parameters.voxels; voxel += groups.x * ${WORKGROUP}u) {
    let place = id.z * parameters.voxels + voxel;
    if (extractBits(roi[place >> 2u], 8u * (place & 3u), 8u) == 0u) {
      certainties[place] = Certainty(0u, 3e38);
    } else {
      certainties[place] = certainty_of(id.z, voxel);
    }
  }
}

fn certainty_of(image: u32, voxel: u32) -> Certainty {
  let first = image * CLASSES * parameters.voxels + voxel;
  var top = 0u;
  for (var label = 1u; label < CLASSES; label++) {
    if (mean[first + label * parameters.voxels] > mean[first + top * parameters.voxels]) { top = label; }
  }
  let top_mean = mean[first + top * parameters.voxels];
  let top_noise = largest_noise(image, top, voxel);
  // One class alone has the threshold 0 for its rival.
  if (CLASSES == 1u) {
    return Certainty(select(0u, 1u, top_mean > 0.0), radius_of(image, top, top, voxel, abs(top_mean), abs(top_mean), top_noise));
  }
  var radius = 3e38f;
  for (var label = 0u; label < CLASSES; label++) {
    if (label == top) { continue; }
    let rival = mean[first + label * parameters.voxels];
    let noise = top_noise + largest_noise(image, label, voxel);
    let largest = max(abs(top_mean), abs(rival));
    radius = min(radius, radius_of(image, top, label, voxel, top_mean - rival, largest, noise));
  }
  return Certainty(top, radius);
}

fn largest_noise(image: u32, label: u32, voxel: u32) -> f32 {
  let plane = image * CLASSES + label;
  return abs(scales[label]) * sqrt(diagonal[plane * parameters.voxels + voxel]) * LARGEST_NORMAL;
}

// Of the top class over a rival; over the threshold where both are one.
fn radius_of(image: u32, top: u32, rival: u32, voxel: u32, lead: f32, largest: f32, noise: f32) -> f32 {
  var squares = 0.0;
  var differences = 0.0;
  for (var component = 0u; component < RANK; component++) {
    let of_top = scales[top] * loading(image, top, component, voxel);
    let of_rival = select(scales[rival] * loading(image, rival, component, voxel), 0.0, top == rival);
    squares += of_top * of_top + of_rival * of_rival;
    differences += (of_top - of_rival) * (of_top - of_rival);
  }
  let magnitude = largest + (sqrt(squares) + NORM_UNDERFLOW) * largest_of_image(image) + noise;
  let slack = (f32(RANK) + 8.0) * 4.7683716e-7 * magnitude + 1e-30;
  return clamp(lead - (noise + slack), -1e18, 1e18) / (sqrt(differences) + NORM_UNDERFLOW);
}
`
}

/** Label maps `[M, N, *S]` in bytes, onto zeros. Workgroups: voxels, quads of samples, images. */
export function labelMapShader(sizes: ShaderSizes): string {
  return /* wgsl */ `${sampling(sizes)}
${CERTAINTY}
@group(0) @binding(6) var<storage, read> certainties: array<Certainty>;
@group(0) @binding(7) var<storage, read_write> maps: array<atomic<u32>>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let quad = id.y;
  let image = id.z;
  let voxels = parameters.voxels;
  let asked = wanted(quad);
  let largest = largest_of_quad(image, quad);
  for (var voxel = id.x; voxel < voxels; voxel += groups.x * ${WORKGROUP}u) {
    let place = image * voxels + voxel;
    let known = certainties[place];
    var labels = vec4u(known.label);
    if (known.radius <= largest) { labels = labels_of(image, voxel, quad); }
    for (var lane = 0u; lane < 4u; lane++) {
      if (!asked[lane] || labels[lane] == 0u) { continue; }
      let sample = 4u * quad + lane - parameters.skipped;
      let byte = sample * parameters.batch * voxels + place;
      atomicOr(&maps[byte >> 2u], labels[lane] << (8u * (byte & 3u)));
    }
  }
}

fn labels_of(image: u32, voxel: u32, quad: u32) -> vec4u {
  var largest = logits_of(image, 0u, voxel, quad);
  if (CLASSES == 1u) { return select(vec4u(0u), vec4u(1u), largest > vec4f(0.0)); }
  var labels = vec4u(0u);
  for (var label = 1u; label < CLASSES; label++) {
    let logits = logits_of(image, label, voxel, quad);
    labels = select(labels, vec4u(label), logits > largest);
    largest = max(largest, logits);
  }
  return labels;
}
`
}

/** Adds the softmax (one class: sigmoid) of samples to `[N, L, *S]`. Workgroups: voxels, 1, images. */
export function probabilityShader(sizes: ShaderSizes): string {
  return /* wgsl */ `${sampling(sizes)}
const LABELS = ${Math.max(sizes.classes, 2)}u;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let image = id.z;
  let voxels = parameters.voxels;
  for (var voxel = id.x; voxel < voxels; voxel += groups.x * ${WORKGROUP}u) {
    var totals = array<vec4f, LABELS>();
    for (var quad = 0u; quad < parameters.quads; quad++) {
      let weight = select(vec4f(0.0), vec4f(1.0), wanted(quad));
      let probabilities = probabilities_of(image, voxel, quad);
      for (var label = 0u; label < LABELS; label++) { totals[label] += weight * probabilities[label]; }
    }
    for (var label = 0u; label < LABELS; label++) {
      sums[(image * LABELS + label) * voxels + voxel] += dot(totals[label], vec4f(1.0));
    }
  }
}

fn probabilities_of(image: u32, voxel: u32, quad: u32) -> array<vec4f, LABELS> {
  var result: array<vec4f, LABELS>;
  if (CLASSES == 1u) {
    let logits = logits_of(image, 0u, voxel, quad);
    let ratio = exp(-abs(logits));
    let unlikely = ratio / (1.0 + ratio);
    let likely = 1.0 / (1.0 + ratio);
    result[0] = select(likely, unlikely, logits > vec4f(0.0));
    result[1] = select(unlikely, likely, logits > vec4f(0.0));
    return result;
  }
  var largest = vec4f(-3.4e38);
  for (var label = 0u; label < CLASSES; label++) {
    result[label] = logits_of(image, label, voxel, quad);
    largest = max(largest, result[label]);
  }
  var total = vec4f();
  for (var label = 0u; label < CLASSES; label++) {
    result[label] = exp(result[label] - largest);
    total += result[label];
  }
  for (var label = 0u; label < CLASSES; label++) { result[label] /= total; }
  return result;
}
`
}

/** Sums to probabilities, and their entropy (eq. 9) to base L. Workgroups: voxels, 1, images. */
export function entropyShader({ classes }: ShaderSizes): string {
  const labels = Math.max(classes, 2)
  return /* wgsl */ `
struct Parameters { voxels: u32, samples: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read_write> entropy: array<f32>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let voxels = parameters.voxels;
  for (var voxel = id.x; voxel < voxels; voxel += groups.x * ${WORKGROUP}u) {
    var nats = 0.0;
    for (var label = 0u; label < ${labels}u; label++) {
      let place = (id.z * ${labels}u + label) * voxels + voxel;
      let probability = probabilities[place] / f32(parameters.samples);
      probabilities[place] = probability;
      if (probability > 0.0) { nats -= probability * log(probability); }
    }
    entropy[id.z * voxels + voxel] = min(nats * ${1 / Math.log(labels)}, 1.0);
  }
}
`
}

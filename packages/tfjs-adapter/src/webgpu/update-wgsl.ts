// What moves weights, in WGSL: the gradients' squares and their sum, an optimiser's rule, a moving average.
import type { UpdateRule, UpdateSettings } from '@stochseg/core'
import type { PassShader } from './compute-pass'
import { WORKGROUP } from './shader'

/** `workgroup_sum`: the sum of a workgroup's values, as a tree. */
const SUM = /* wgsl */ `
var<workgroup> sums : array<f32, ${WORKGROUP}>;
fn workgroup_sum(value : f32) -> f32 {
  sums[lane] = value;
  for (var half = ${WORKGROUP / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  workgroupBarrier();
  return sums[0];
}
`

/** Σ gradient² of each workgroup, into `partial` from `settings.first` on. */
export const squaresShader: PassShader = {
  reads: ['gradient'],
  writes: ['partial'],
  code: /* wgsl */ `
${SUM}
fn compute(thread : u32, threads : u32) {
  var sum = 0.0;
  for (var index = thread; index < arrayLength(&gradient); index += threads) {
    sum += gradient[index] * gradient[index];
  }
  let whole = workgroup_sum(sum);
  if (lane == 0u) { partial[u32(settings.first) + group] = whole; }
}
`,
}

/** The loss beside Σ gradient² over all gradients, in `settings.parts` parts; for one workgroup. */
export const outcomeShader: PassShader = {
  reads: ['loss', 'partial'],
  writes: ['result'],
  code: /* wgsl */ `
${SUM}
fn compute(thread : u32, threads : u32) {
  var sum = 0.0;
  for (var index = thread; index < u32(settings.parts); index += threads) { sum += partial[index]; }
  let whole = workgroup_sum(sum);
  if (lane == 0u) {
    result[0] = loss[0];
    result[1] = whole;
  }
}
`,
}

/** A rule's update of one parameter, with {@link updateSettings}. New values and moments stand beside the old ones. */
export function updateShader({ moments, wgsl }: UpdateRule): PassShader {
  return {
    reads: ['outcome', 'gradient', 'values', ...moments.map((name) => `${name}_before`)],
    writes: ['result', ...moments.map((name) => `${name}_after`)],
    code: /* wgsl */ `
fn compute(thread : u32, threads : u32) {
  let norm = sqrt(outcome[1]);
  let scale = select(1.0, settings.limit / norm, norm > settings.limit);
  for (var index = thread; index < arrayLength(&result); index += threads) {
    let value = values[index];
    let slope = scale * gradient[index] + settings.penalty * value;
    ${moments.map((name) => `var ${name} = ${name}_before[index];`).join('\n    ')}
    ${wgsl.code}
    ${moments.map((name) => `${name}_after[index] = ${name};`).join('\n    ')}
    // One subtraction, since either may be too small to be seen in the value by itself.
    result[index] = value - (settings.fade * value + change);
  }
}
`,
  }
}

/** `limit` is the norm to which all gradients together are shortened, > 0. */
export function updateSettings(
  { wgsl }: UpdateRule,
  settings: UpdateSettings,
  limit: number,
): Readonly<Record<string, number>> {
  const { penalty, shrink } = settings
  return { ...wgsl.numbers(settings), penalty, fade: 1 - shrink, limit }
}

/** A moving average of values, of which `settings.share` is new. */
export const averageShader: PassShader = {
  reads: ['average', 'values'],
  writes: ['result'],
  code: /* wgsl */ `
fn compute(thread : u32, threads : u32) {
  for (var index = thread; index < arrayLength(&result); index += threads) {
    result[index] = average[index] + settings.share * (values[index] - average[index]);
  }
}
`,
}

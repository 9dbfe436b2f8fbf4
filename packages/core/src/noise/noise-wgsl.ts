// The noise in WGSL: the same counters, the same words, the same arithmetic (noise.ts, normal.ts). Words are the same bits;
// WGSL lets a device fuse or round float operations differently by a few units in the last place.

/** Functions `philox` and `normals`: four standard normals, those of four samples that follow each other. */
export const NOISE_WGSL = /* wgsl */ `
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let carry = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

fn philox(counter: vec4u, seed: vec2u) -> vec4u {
  var c = counter;
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ key.x,
      0xcd9e8d57u * c.z,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ key.y,
      0xd2511f53u * c.x,
    );
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// Box–Muller on the signed words; the polynomials are core's.
fn normal_pair(words: vec2u) -> vec2f {
  let shifted = bitcast<i32>(f32(abs(bitcast<i32>(words.x | 1u)))) - 0x3f3504f3;
  let exponent = shifted >> 23u;
  let t = bitcast<f32>((shifted & 0x007fffff) + 0x3f3504f3) - 1.0;
  var p = -0.23792219f;
  p = p * t + 0.37335712f;
  p = p * t - 0.40992656f;
  p = p * t + 0.49819487f;
  p = p * t - 0.66629016f;
  p = p * t + 1.0000223f;
  p = p * t - 2.000002f;
  let radius = sqrt(f32(31 - exponent) * 1.3862943611198906f + p * t);

  let x = f32(bitcast<i32>(words.y)) * 4.656612873077393e-10f;
  let square = x * x;
  var sine = -0.004333095f;
  sine = sine * square + 0.07943434f;
  sine = sine * square - 0.64589286f;
  sine = sine * square + 1.570791f;
  sine = sine * x;
  var cosine = 8.5819064e-4f;
  cosine = cosine * square - 0.020810628f;
  cosine = cosine * square + 0.25365075f;
  cosine = cosine * square - 1.2336982f;
  cosine = cosine * square + 0.99999994f;

  let product = radius * cosine;
  return vec2f(select(product, -product, (words.x >> 31u) == 1u), radius * sine);
}

fn normals(counter: vec4u, seed: vec2u) -> vec4f {
  let words = philox(counter, seed);
  return vec4f(normal_pair(words.xy), normal_pair(words.zw));
}
`

// The label-map kernel without culling as a native loop: Philox, Box-Muller, low rank, argmax, 16 voxels at a time.
// Usage: native voxels classes rank samples runs threads
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES = 16 };
static int voxels, classes, rank, samples, threads;
static float *mean, *factor, *deviation, *z;
static uint8_t *labels;

static void normals(float out[4][LANES], const uint32_t voxel[LANES], uint32_t plane, uint32_t quad) {
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
  for (int i = 0; i < LANES; i++) c0[i] = voxel[i], c1[i] = plane, c2[i] = quad, c3[i] = 0;
  uint32_t k0 = 1, k1 = 0;
  for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u)
    for (int i = 0; i < LANES; i++) {
      uint64_t a = (uint64_t)c0[i] * 0xd2511f53u, b = (uint64_t)c2[i] * 0xcd9e8d57u;
      c0[i] = (uint32_t)(b >> 32) ^ c1[i] ^ k0, c1[i] = (uint32_t)b;
      c2[i] = (uint32_t)(a >> 32) ^ c3[i] ^ k1, c3[i] = (uint32_t)a;
    }
  for (int pair = 0; pair < 2; pair++) {
    const uint32_t *first = pair ? c2 : c0, *second = pair ? c3 : c1;
    for (int i = 0; i < LANES; i++) {
      float u = fabsf((float)(int32_t)(first[i] | 1));
      int32_t bits;
      memcpy(&bits, &u, 4);
      int32_t shifted = bits - 0x3f3504f3, exponent = shifted >> 23;
      bits = (shifted & 0x7fffff) + 0x3f3504f3;
      memcpy(&u, &bits, 4);
      float t = u - 1, p = -0.23792219f;
      p = p * t + 0.37335712f, p = p * t - 0.40992656f, p = p * t + 0.49819487f;
      p = p * t - 0.66629016f, p = p * t + 1.0000223f, p = p * t - 2.000002f;
      float radius = sqrtf((31 - (float)exponent) * 1.3862944f + p * t);
      float x = (float)(int32_t)second[i] * 4.6566129e-10f, y = x * x;
      float s = ((-0.004333095f * y + 0.07943434f) * y - 0.64589286f) * y + 1.570791f;
      float c = (((8.5819064e-4f * y - 0.020810628f) * y + 0.25365075f) * y - 1.2336982f) * y + 0.99999994f;
      out[2 * pair][i] = radius * c * ((int32_t)first[i] < 0 ? -1.f : 1.f);
      out[2 * pair + 1][i] = radius * s * x;
    }
  }
}

static void block(int start) {
  uint32_t voxel[LANES];
  for (int i = 0; i < LANES; i++) voxel[i] = start + i;
  for (int quad = 0; quad < samples / 4; quad++) {
    float top[4][LANES];
    int32_t label[4][LANES];
    for (int c = 0; c < classes; c++) {
      float sum[4][LANES] = {0}, epsilon[4][LANES];
      for (int r = 0; r < rank; r++) {
        const float *p = factor + (size_t)(c * rank + r) * voxels + start;
        for (int s = 0; s < 4; s++)
          for (int i = 0; i < LANES; i++) sum[s][i] += p[i] * z[(quad * rank + r) * 4 + s];
      }
      normals(epsilon, voxel, c, quad);
      const float *m = mean + (size_t)c * voxels + start, *d = deviation + (size_t)c * voxels + start;
      for (int s = 0; s < 4; s++)
        for (int i = 0; i < LANES; i++) {
          float logit = m[i] + (sum[s][i] + d[i] * epsilon[s][i]);
          int more = c == 0 || logit > top[s][i];
          top[s][i] = more ? logit : top[s][i];
          label[s][i] = more ? c : label[s][i];
        }
    }
    for (int s = 0; s < 4; s++)
      for (int i = 0; i < LANES; i++) labels[(size_t)(quad * 4 + s) * voxels + start + i] = label[s][i];
  }
}

static void *work(void *thread) {
  int blocks = voxels / LANES, index = (int)(intptr_t)thread;
  for (int b = blocks * index / threads; b < blocks * (index + 1) / threads; b++) block(b * LANES);
  return 0;
}

static float *random_array(size_t length, float scale, float least) {
  float *array = malloc(length * sizeof(float));
  for (size_t i = 0; i < length; i++) array[i] = least + scale * ((float)rand() / RAND_MAX - 0.5f);
  return array;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  if (count != 7) return 2;
  voxels = atoi(arguments[1]) / LANES * LANES, classes = atoi(arguments[2]), rank = atoi(arguments[3]);
  samples = atoi(arguments[4]), threads = atoi(arguments[6]);
  int runs = atoi(arguments[5]);
  mean = random_array((size_t)classes * voxels, 2, 0), deviation = random_array((size_t)classes * voxels, 1, 1);
  factor = random_array((size_t)classes * rank * voxels, 1, 0), z = random_array((size_t)samples * rank, 4, 0);
  labels = malloc((size_t)samples * voxels);
  double *times = malloc(runs * sizeof(double));
  for (int run = -1; run < runs; run++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pthread_t workers[threads];
    for (int t = 0; t < threads; t++) pthread_create(&workers[t], 0, work, (void *)(intptr_t)t);
    for (int t = 0; t < threads; t++) pthread_join(workers[t], 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (run >= 0) times[run] = (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) * 1e-6;
  }
  qsort(times, runs, sizeof(double), ascending);
  printf("{\"milliseconds\": %f}\n", times[runs / 2]);
}

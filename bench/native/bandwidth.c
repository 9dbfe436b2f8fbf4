// What no way of sampling can do without: the parameters read once, the label maps' bytes written once. Every thread has a part.
// Usage: native bytes-read bytes-written runs threads
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static size_t words, written;
static int threads;
static uint64_t *input;
static uint8_t *output;
static volatile uint64_t sink;

static void *work(void *thread) {
  size_t index = (size_t)(intptr_t)thread;
  uint64_t sum[8] = {0};
  for (size_t i = words * index / threads / 8 * 8; i + 8 <= words * (index + 1) / threads; i += 8)
    for (int lane = 0; lane < 8; lane++) sum[lane] += input[i + lane];
  for (int lane = 0; lane < 8; lane++) sink += sum[lane];
  size_t from = written * index / threads;
  memset(output + from, 1, written * (index + 1) / threads - from);
  return 0;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(int runs, int fresh) {
  double *times = malloc(runs * sizeof *times);
  for (int run = -1; run < runs; run++) {
    if (fresh) output = mmap(0, written, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pthread_t workers[threads];
    for (int t = 1; t < threads; t++) pthread_create(&workers[t], 0, work, (void *)(intptr_t)t);
    work(0);
    for (int t = 1; t < threads; t++) pthread_join(workers[t], 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (run >= 0) times[run] = (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) * 1e-6;
    if (fresh) munmap(output, written);
  }
  qsort(times, runs, sizeof *times, ascending);
  return times[runs / 2];
}

int main(int count, char **arguments) {
  if (count != 5) return 2;
  words = strtoull(arguments[1], 0, 10) / 8, written = strtoull(arguments[2], 0, 10);
  int runs = atoi(arguments[3]);
  threads = atoi(arguments[4]);
  input = malloc(words * 8), memset(input, 1, words * 8);
  output = malloc(written);
  double standing = median(runs, 0);
  printf("{\"standing\": %g, \"fresh\": %g}\n", standing, median(runs, 1));
}

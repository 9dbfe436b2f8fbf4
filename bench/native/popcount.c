// The limit: the label maps' bytes read once, in order, and their bits counted.
// Usage: native bytes runs threads (one is used)
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 3) return 1;
  size_t words = strtoull(argv[1], NULL, 10) / 8;
  int runs = atoi(argv[2]);
  uint64_t *data = malloc(words * 8);
  double *times = malloc(runs * sizeof *times);
  memset(data, 0x55, words * 8);
  volatile uint64_t sink;
  for (int run = 0; run < runs; run++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    uint64_t bits = 0;
    for (size_t word = 0; word < words; word++) bits += __builtin_popcountll(data[word]);
    sink = bits;
    clock_gettime(CLOCK_MONOTONIC, &end);
    times[run] = 1e3 * (end.tv_sec - start.tv_sec) + 1e-6 * (end.tv_nsec - start.tv_nsec);
  }
  (void)sink;
  qsort(times, runs, sizeof *times, ascending);
  printf("{\"milliseconds\": %g}\n", times[runs / 2]);
}

"""Generalised energy distance (squared, self pairs included) in numpy: pair by pair, the authors' way, and by matrix products."""
import json
import statistics
import sys
import time

import numpy as np

options = json.loads(sys.argv[1])
classes, voxels, runs = (options[name] for name in ("classes", "voxels", "runs"))
pairs = options.get("pairs")  # time only so many pairs, and scale up
labels = np.fromfile(options["file"], np.uint8).reshape(-1, voxels)
samples, raters = labels[: options["samples"]], labels[options["samples"] :]


def ratio(both, either):
    return np.where(either == 0, 1.0, both / np.maximum(either, 1))


def one_hot(maps):
    """[maps, classes - 1, voxels] booleans."""
    return np.stack([maps == label for label in range(1, classes)], 1)


def pair_distance(a, b):
    shared = [np.count_nonzero(x & y) for x, y in zip(a, b)]
    either = [np.count_nonzero(x | y) for x, y in zip(a, b)]
    return 1 - np.mean([1.0 if e == 0 else s / e for s, e in zip(shared, either)])


def by_pairs(x, y):
    return np.mean([[pair_distance(a, b) for b in y] for a in x])


def by_broadcast(x, y):
    """As the authors: [maps, voxels, classes] with the background, which is left out at the end; one map against all."""
    rows = []
    for a in x:
        both, either = (a & y).sum(-2), (a | y).sum(-2)
        rows.append(1 - ratio(both, either)[:, 1:].mean(-1))
    return np.mean(rows)


def by_products(x, y):
    total = 0
    for label in range(1, classes):
        a, b = (x == label).astype(np.float32), (y == label).astype(np.float32)
        both = a @ b.T
        total = total + ratio(both, a.sum(1)[:, None] + b.sum(1) - both)
    return 1 - np.mean(total) / (classes - 1)


def energy(distance, convert=lambda maps: maps):
    x, y = convert(samples), convert(raters)
    return 2 * distance(x, y) - distance(x, x) - distance(y, y)


def milliseconds(run):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        value = run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), float(value)


result = {}
if pairs:
    hot = one_hot(labels[: pairs + 1])
    elapsed, _ = milliseconds(lambda: [pair_distance(hot[0], other) for other in hot[1:]] and 0)
    result["pairs"] = elapsed * (len(samples) ** 2 + len(samples) * len(raters) + len(raters) ** 2) / pairs
else:
    result["pairs"], result["value"] = milliseconds(lambda: energy(by_pairs, one_hot))
    if options.get("broadcast"):
        result["broadcast"], _ = milliseconds(
            lambda: energy(by_broadcast, lambda maps: np.eye(classes, dtype=bool)[maps])
        )
result["products"], result["productsValue"] = milliseconds(lambda: energy(by_products))
print(json.dumps(result))

"""Single convolutions in PyTorch, forward and both gradients: milliseconds in the faster of both memory layouts."""
import json
import statistics
import sys
import time

import torch

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
torch.manual_seed(1)


def median(runs, run):
    run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def milliseconds(batch, spatial, width, inputs, outputs, padding, layout):
    axes = len(spatial)
    x = torch.randn(batch, inputs, *spatial).to(memory_format=layout)
    weight = torch.randn(outputs, inputs, *[width] * axes).to(memory_format=layout)
    settings = ([1] * axes, [padding] * axes, [1] * axes, False, [0] * axes, 1)
    dy = torch.randn_like(torch.ops.aten.convolution(x, weight, None, *settings))
    backward = torch.ops.aten.convolution_backward
    return [
        median(options["runs"], lambda: torch.ops.aten.convolution(x, weight, None, *settings)),
        median(options["runs"], lambda: backward(dy, x, weight, None, *settings, [True, False, False])),
        median(options["runs"], lambda: backward(dy, x, weight, None, *settings, [False, True, False])),
    ]


with torch.no_grad():
    results = []
    for case in options["cases"]:
        channels_last = torch.channels_last if len(case["spatial"]) == 2 else torch.channels_last_3d
        layouts = [milliseconds(**case, layout=layout) for layout in (torch.contiguous_format, channels_last)]
        results.append([min(times) for times in zip(*layouts)])
print(json.dumps(results))

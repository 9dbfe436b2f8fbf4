"""PyTorch's way of the authors: LowRankMultivariateNormal(...).rsample, without and with the argmax that makes labels."""
import json
import statistics
import sys
import time

import torch

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
voxels, classes, rank, samples = (options[name] for name in ("voxels", "classes", "rank", "samples"))
logits = classes * voxels
distribution = torch.distributions.LowRankMultivariateNormal(
    torch.randn(logits), 0.3 * torch.randn(logits, rank), torch.rand(logits) + 0.1
)


def median(run):
    run()
    times = []
    for _ in range(options["runs"]):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


print(
    json.dumps(
        {
            "rsample": median(lambda: distribution.rsample((samples,))),
            "labels": median(lambda: distribution.rsample((samples,)).reshape(samples, classes, voxels).argmax(1)),
        }
    )
)

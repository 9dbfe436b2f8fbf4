"""The authors' loss (eq. 7) by autograd: log-sum-exp over samples of summed log-probabilities, and its gradient."""
import json
import math
import resource
import statistics
import sys
import time

import torch

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
batch, voxels, classes, rank, samples = (options[name] for name in ("batch", "voxels", "classes", "rank", "samples"))
logits = classes * voxels
mean = torch.randn(batch, logits).requires_grad_()
factor = (0.3 * torch.randn(batch, logits, rank)).requires_grad_()
diagonal = (torch.rand(batch, logits) + 0.1).requires_grad_()
labels = torch.randint(0, classes, (batch, voxels)).expand(samples, batch, voxels).reshape(samples * batch, voxels)


def step():
    for parameter in (mean, factor, diagonal):
        parameter.grad = None
    distribution = torch.distributions.LowRankMultivariateNormal(mean, factor, diagonal, validate_args=False)
    sampled = distribution.rsample((samples,)).reshape(samples * batch, classes, voxels)
    log_probability = -torch.nn.functional.cross_entropy(sampled, labels, reduction="none")
    per_sample = log_probability.sum(1).reshape(samples, batch)
    loss = -(torch.logsumexp(per_sample, 0) - math.log(samples)).mean()
    loss.backward()


def high_water():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


before = high_water()
step()
megabytes = high_water() - before
times = []
for _ in range(options["runs"]):
    start = time.perf_counter()
    step()
    times.append(1e3 * (time.perf_counter() - start))
print(json.dumps({"milliseconds": statistics.median(times), "megabytes": megabytes}))

"""A training step in PyTorch: the network of a spec, the Monte-Carlo loss (eq. 7) sampled as the sum that it is, Adam.

On the CPU, or with "device": "cuda" on a GPU, there in plain float32 or with "tf32" in the matrix units' 19 bits. Prints an empty
object where there is no such device.
"""
import json
import math
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
device = torch.device(options.get("device", "cpu"))
on_gpu = device.type == "cuda"
if on_gpu:
    if not torch.cuda.is_available():
        print("{}")
        sys.exit()
    torch.backends.fp32_precision = "tf32" if options.get("tf32") else "ieee"
    torch.backends.cudnn.benchmark = True
torch.manual_seed(1)
spec, batch, spatial, classes, rank, samples = (
    options[name] for name in ("spec", "batch", "spatial", "classes", "rank", "samples")
)
dimensions = spec["dimensions"]
kinds = {
    "convolution": (nn.Conv2d, nn.Conv3d),
    "norm": (nn.BatchNorm2d, nn.BatchNorm3d),
    "average": (nn.AvgPool2d, nn.AvgPool3d),
    "max": (nn.MaxPool2d, nn.MaxPool3d),
}


def kind(name):
    return kinds[name][dimensions - 2]


class Cut(nn.Module):
    """Crops, and takes every n-th voxel."""

    def __init__(self, slices):
        super().__init__()
        self.slices = (slice(None), slice(None), *slices)

    def forward(self, x):
        return x[self.slices]


def layer(node, channels):
    op = node["op"]
    if op == "convolution":
        padding = [k // 2 for k in node["kernel"]] if node["padding"] == "same" else 0
        return kind(op)(channels, node["channels"], node["kernel"], padding=padding, bias=node["bias"])
    if op == "batchNorm":
        return kind("norm")(channels, eps=node["epsilon"], momentum=1 - node["momentum"])
    if op == "activation":
        return nn.PReLU(1) if node["function"] == "prelu" else nn.ReLU()
    if op == "pool":
        return kind(node["kind"])(node["window"])
    if op == "upsample":
        mode = "nearest" if node["kind"] == "nearest" else ("bilinear", "trilinear")[dimensions - 2]
        return nn.Upsample(scale_factor=tuple(node["factor"]), mode=mode)
    if op == "crop":
        return Cut([slice(before, -after or None) for before, after in zip(node["before"], node["after"])])
    if op == "slice":
        return Cut([slice(start, None, step) for start, step in zip(node["start"], node["step"])])
    if op == "dropout":
        return nn.Dropout(node["rate"])
    raise ValueError(op)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict()
        channels = {spec["inputs"][0]["name"]: spec["inputs"][0]["channels"]}
        for node in spec["nodes"]:
            width = [channels[name] for name in node["inputs"]]
            channels[node["name"]] = node.get("channels", sum(width) if node["op"] == "concat" else width[0])
            if node["op"] not in ("concat", "add"):
                self.layers[node["name"].replace(".", "_")] = layer(node, width[0])
        self.head = nn.ModuleList(
            kind("convolution")(channels[spec["features"]], width, 1) for width in (classes, classes, classes * rank)
        )
        nn.init.constant_(self.head[1].bias, -4)

    def forward(self, image):
        tensors = {spec["inputs"][0]["name"]: image}
        for node in spec["nodes"]:
            inputs = [tensors[name] for name in node["inputs"]]
            if node["op"] == "concat":
                output = torch.cat(inputs, 1)
            elif node["op"] == "add":
                output = inputs[0] + inputs[1]
            else:
                output = self.layers[node["name"].replace(".", "_")](inputs[0])
            tensors[node["name"]] = output
        return [head(tensors[spec["features"]]) for head in self.head]


def monte_carlo_loss(mean, log_diagonal, factor, labels):
    n, c = mean.shape[:2]
    mean, deviation = mean.reshape(n, c, -1), (0.5 * log_diagonal).exp().reshape(n, c, -1)
    factor = factor.reshape(n, c, rank, -1)
    logits = (
        mean
        + torch.einsum("mnr,ncrv->mncv", torch.randn(samples, n, rank, device=device), factor)
        + deviation * torch.randn(samples, *mean.shape, device=device)
    )
    targets = labels.reshape(1, n, -1).expand(samples, -1, -1).reshape(samples * n, -1)
    losses = F.cross_entropy(logits.reshape(samples * n, c, -1), targets, reduction="none")
    return -(torch.logsumexp(-losses.sum(1).reshape(samples, n), 0) - math.log(samples)).mean()


network = Network().to(device)
image = torch.randn(batch, spec["inputs"][0]["channels"], *spatial, device=device)
if options.get("channelsLast"):
    layout = (torch.channels_last, torch.channels_last_3d)[dimensions - 2]
    network, image = network.to(memory_format=layout), image.to(memory_format=layout)
with torch.no_grad():
    output = network(image)[0].shape[2:]
labels = torch.randint(0, classes, (batch, *output), device=device)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)


def step():
    optimizer.zero_grad()
    loss = monte_carlo_loss(*network(image), labels)
    loss.backward()
    optimizer.step()


def median_on_cpu(runs):
    times = []
    for index in range(runs + 1):
        start = time.perf_counter()
        step()
        if index > 0:
            times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def mean_on_gpu(runs):
    """Steps follow each other without waiting for the device, as in a training that prints nothing."""
    for _ in range(5):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(runs):
        step()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start) / runs


if on_gpu:
    milliseconds = mean_on_gpu(options["runs"])
    result = {"device": torch.cuda.get_device_name(), "megabytes": torch.cuda.max_memory_allocated() / 2**20}
else:
    milliseconds = median_on_cpu(options["runs"])
    result = {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
print(json.dumps({"milliseconds": milliseconds, **result}))

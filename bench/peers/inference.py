"""The same networks in PyTorch: a forward pass in evaluation mode, then samples the authors' way, rsample and argmax."""
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
torch.manual_seed(0)
classes, rank, samples = options["classes"], options["rank"], options["samples"]


class Head(nn.Module):
    def __init__(self, convolution, features):
        super().__init__()
        self.mean = convolution(features, classes, 1)
        self.log_diagonal = convolution(features, classes, 1)
        self.factor = convolution(features, classes * rank, 1)

    def forward(self, x):
        return self.mean(x), self.factor(x), self.log_diagonal(x).exp() + 1e-5


class UNet(nn.Module):
    """Seven levels of three convolutions, average pools, bilinear up-sampling: the paper's network on LIDC."""

    widths = [32, 64, 128, 192, 192, 192, 192]

    def __init__(self, channels):
        super().__init__()
        block = lambda i, o, k: nn.Sequential(
            nn.Conv2d(i, o, k, padding=k // 2, bias=False), nn.BatchNorm2d(o, eps=1e-3), nn.ReLU()
        )
        level = lambda i, o: nn.Sequential(block(i, o, 3), block(o, o, 3), block(o, o, 3))
        widths = self.widths
        self.down = nn.ModuleList(level(i, o) for i, o in zip([channels, *widths], widths))
        up = list(range(len(widths) - 2, -1, -1))
        inputs = [widths[-1], *(widths[depth + 1] for depth in up)]
        self.up = nn.ModuleList(
            level(widths[depth] + below, widths[depth + 1]) for depth, below in zip(up, inputs)
        )
        self.last = nn.Sequential(*(block(i, 32, 1) for i in (widths[1], 32, 32)))
        self.head = Head(nn.Conv2d, 32)

    def forward(self, x):
        skips = []
        for depth, level in enumerate(self.down):
            x = level(x if depth == 0 else F.avg_pool2d(x, 2))
            skips.append(x)
        for skip, level in zip(reversed(skips[:-1]), self.up):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = level(torch.cat([skip, x], 1))
        return self.head(self.last(x))


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel, first=False):
        super().__init__()
        self.before = nn.Identity() if first else nn.Sequential(nn.BatchNorm3d(inputs), nn.PReLU())
        self.convolution = nn.Conv3d(inputs, outputs, kernel, bias=False)
        self.margin = (kernel - 1) // 2
        self.residual = inputs == outputs

    def forward(self, x):
        y = self.convolution(self.before(x))
        if not self.residual:
            return y
        m = self.margin
        return y + (x[..., m:-m, m:-m, m:-m] if m else x)


class DeepMedic(nn.Module):
    """Three pathways of eight valid convolutions: the paper's network on BraTS."""

    widths = [30, 30, 40, 40, 40, 40, 50, 50]

    def __init__(self, channels):
        super().__init__()
        path = lambda: nn.Sequential(
            *(Block(i, o, 3, index == 0) for index, (i, o) in enumerate(zip([channels, *self.widths], self.widths)))
        )
        self.factors = [5, 3, 1]
        self.paths = nn.ModuleList(path() for _ in self.factors)
        self.joint = nn.Sequential(Block(150, 250, 1), Block(250, 250, 1), Block(250, 50, 1), nn.ReLU())
        self.head = Head(nn.Conv3d, 50)

    def forward(self, x):
        ends = []
        for factor, path in zip(self.factors, self.paths):
            m = (self.factors[0] - factor) * len(self.widths)
            y = x[..., m:-m, m:-m, m:-m] if m else x
            s = factor // 2
            y = path(y[..., s::factor, s::factor, s::factor])
            ends.append(F.interpolate(y, scale_factor=factor, mode="nearest") if factor > 1 else y)
        return self.head(self.joint(torch.cat(ends, 1)))


network = {"unet": UNet, "deepmedic": DeepMedic}[options["network"]](options["channels"]).eval()
image = torch.randn(1, options["channels"], *options["input"])
forward = torch.compile(network) if options["compile"] else network


def sample(mean, factor, diagonal):
    size = mean.shape[2:]
    logits = mean.numel()
    # Channel = class · rank + component, so a class's rows lie together; the distribution wants [logits, rank].
    rows = factor.reshape(classes, rank, -1).permute(0, 2, 1).reshape(logits, rank)
    distribution = torch.distributions.LowRankMultivariateNormal(
        mean.reshape(-1), rows, diagonal.reshape(-1), validate_args=False
    )
    return distribution.rsample((samples,)).reshape(samples, classes, *size).argmax(1)


def median(run):
    run()
    times = []
    for _ in range(options["runs"]):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


with torch.inference_mode():
    try:
        predicted = median(lambda: forward(image))
        parameters = [part.clone() for part in forward(image)]
    except Exception as error:
        print(json.dumps({"reason": f"{type(error).__name__}: {str(error).splitlines()[0]}"}))
        sys.exit()
    drawn = median(lambda: sample(*parameters))
    print(
        json.dumps(
            {
                "forward": predicted,
                "both": predicted + drawn,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "parameters": sum(weight.numel() for weight in network.parameters()),
            }
        )
    )

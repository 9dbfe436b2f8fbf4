"""The toy problem of the paper's section 5.1 in PyTorch: free float64 parameters, Adam, the mean first, then everything."""
import json
import math
import sys
import time

import torch

options = json.loads(sys.argv[1])
torch.set_num_threads(options["threads"])
torch.set_default_dtype(torch.float64)
pixels, samples, iterations = 21, options["samples"], options["iterations"]
third = pixels // 3
targets = torch.zeros(2, pixels)
targets[:, :third] = 1
targets[1, third : 2 * third] = 1


def train(rank):
    mean = torch.zeros(pixels, requires_grad=True)
    log_diagonal = torch.full((pixels,), -1.0, requires_grad=True)
    log_scale = torch.full((pixels, rank), -1.0, requires_grad=True)
    direction = (torch.rand(pixels, rank) - 0.5).requires_grad_()
    parameters = [mean, log_diagonal] + ([log_scale, direction] if rank else [])
    mean_first = torch.optim.Adam([mean], lr=1e-3)
    everything = torch.optim.Adam(parameters, lr=1e-3)
    for iteration in range(iterations):
        optimizer = mean_first if iteration < iterations // 2 else everything
        optimizer.zero_grad()
        logits = mean + (0.5 * log_diagonal).exp() * torch.randn(samples, 2, pixels)
        if rank:
            factor = log_scale.exp() * direction / direction.norm(dim=0, keepdim=True)
            logits = logits + torch.randn(samples, 2, rank) @ factor.T
        signs = 2 * targets - 1
        likelihoods = torch.nn.functional.logsigmoid(signs * logits).sum(-1)
        loss = math.log(samples) - torch.logsumexp(likelihoods, 0).mean()
        loss.backward()
        optimizer.step()


result = {}
for name, rank in (("lowRank", 2), ("diagonal", 0)):
    start = time.perf_counter()
    train(rank)
    result[name] = 1e3 * (time.perf_counter() - start)
print(json.dumps(result))

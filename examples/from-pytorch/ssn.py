"""A stochastic segmentation network in PyTorch, in the form in which most of them are written, and its loss."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class StochasticUNet(nn.Module):
    """A small U-Net with three heads: mean [N,C,*S], factor [N,R*C,*S] (channel = r*C + c), diagonal [N,C,*S].

    Where the image is 0 in all channels there is nothing to segment: there the factor is 0 and the variance tiny.
    """

    def __init__(self, channels=1, classes=3, rank=4, width=8, epsilon=1e-5):
        super().__init__()
        self.channels, self.classes, self.rank, self.epsilon = channels, classes, rank, epsilon
        self.encoder = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.bottom = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU())
        self.decoder = nn.Sequential(nn.Conv2d(3 * width, width, 3, padding=1), nn.ReLU())
        self.mean = nn.Conv2d(width, classes, 1)
        self.factor = nn.Conv2d(width, classes * rank, 1)
        self.log_diagonal = nn.Conv2d(width, classes, 1)

    def forward(self, image):
        fine = self.encoder(image)
        coarse = self.bottom(F.avg_pool2d(fine, 2))
        up = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        features = self.decoder(torch.cat([fine, up], dim=1))
        mask = (image.abs().sum(dim=1, keepdim=True) > 0).to(image.dtype)
        factor = self.factor(features) * mask
        diagonal = self.log_diagonal(features).exp() * mask + self.epsilon
        return self.mean(features), factor, diagonal


def sample_logits(mean, factor, diagonal, z, epsilon):
    """Samples [M,N,C,*S] for the noise z [M,N,R] and epsilon [M,N,C,*S]."""
    rank = z.shape[2]
    columns = factor.unflatten(1, (rank, mean.shape[1]))
    return mean + torch.einsum("mnr,nrc...->mnc...", z, columns) + diagonal.sqrt() * epsilon


def monte_carlo_nll(logits, labels, mask):
    """The loss of eq. 7 for sampled logits [M,N,C,*S], labels [N,*S] and a mask [N,*S]: the mean over the batch."""
    log_probability = F.log_softmax(logits, dim=2)
    target = labels[None, :, None].expand(logits.shape[0], -1, -1, *labels.shape[1:])
    per_voxel = log_probability.gather(2, target)[:, :, 0] * mask
    log_likelihood = per_voxel.flatten(2).sum(dim=2)
    return (math.log(logits.shape[0]) - torch.logsumexp(log_likelihood, dim=0)).mean()

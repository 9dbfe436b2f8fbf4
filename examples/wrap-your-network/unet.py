"""Somebody else's network: a plain U-Net in PyTorch, trained on one label map an image, exported as ONNX.

    python3 unet.py FOLDER STEPS        reads FOLDER/images.json, writes FOLDER/unet.onnx
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F


def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, classes=2, width=8):
        super().__init__()
        self.down = nn.ModuleList([block(1, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.up = nn.ModuleList([block(6 * width, 2 * width), block(3 * width, width)])
        self.classifier = nn.Conv2d(width, classes, 1)

    def logits(self, image):
        fine = self.down[0](image)
        middle = self.down[1](F.max_pool2d(fine, 2))
        coarse = self.down[2](F.max_pool2d(middle, 2))
        middle = self.up[0](torch.cat([F.interpolate(coarse, scale_factor=2.0), middle], 1))
        return self.classifier(self.up[1](torch.cat([F.interpolate(middle, scale_factor=2.0), fine], 1)))

    def forward(self, image):
        return torch.softmax(self.logits(image), dim=1)


def main(folder, steps):
    torch.manual_seed(0)
    data = json.loads((folder / "images.json").read_text())
    size = data["size"]
    images = torch.tensor(data["images"]).reshape(-1, 1, size, size)
    labels = torch.tensor(data["labels"]).reshape(-1, size, size)
    network = UNet()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(steps):
        batch = torch.randint(len(images), (16,))
        loss = F.cross_entropy(network.logits(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    torch.onnx.export(
        network,
        images[:1],
        str(folder / "unet.onnx"),
        opset_version=13,
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}},
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))

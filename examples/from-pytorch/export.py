"""Writes a PyTorch SSN as an .onnx file that stochseg loads, and what PyTorch makes of one image, to compare with.

    python3 export.py OUT_FOLDER
"""

import inspect
import json
import pathlib
import sys

import torch

from ssn import StochasticUNet, monte_carlo_nll, sample_logits


def export(model, path, *, size, minimum_size, multiple_of, receptive_field, **properties):
    """Exports `model` with the metadata that stochseg needs; `properties` are the user's own."""
    dimensions = len(size)
    axes = ["depth", "height", "width"][-dimensions:]
    dynamic = {0: "batch", **{2 + axis: name for axis, name in enumerate(axes)}}
    names = ["image", "mean", "factor", "diagonal"]
    # The exporter that came later needs further packages.
    older = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(
        model.eval(),
        torch.zeros(1, model.channels, *size),
        str(path),
        opset_version=17 if hasattr(torch, "compile") else 16,
        input_names=names[:1],
        output_names=names[1:],
        dynamic_axes={name: dynamic for name in names},
        **older,
    )
    described = {
        "head": "low-rank",
        "classes": model.classes,
        "rank": model.rank,
        "epsilon": model.epsilon,
        "factorLayout": "channel = component * classes + class",
        "backbone": type(model).__name__,
        "channels": model.channels,
        "dimensions": dimensions,
        "minimumSize": " ".join(map(str, minimum_size)),
        "multipleOf": " ".join(map(str, multiple_of)),
        "receptiveField": " ".join(map(str, receptive_field)),
        "format": 1,
    }
    add_metadata(path, {**properties, **{f"stochseg.{name}": value for name, value in described.items()}})


def add_metadata(path, entries):
    """Appends metadata to an ONNX file. Protocol buffers may be appended to each other: no package is needed for it."""

    def varint(value):
        more, rest = value & 127, value >> 7
        return bytes([more | 128]) + varint(rest) if rest else bytes([more])

    def field(number, content):
        return varint(number << 3 | 2) + varint(len(content)) + content

    with open(path, "ab") as file:
        for name, value in entries.items():
            file.write(field(14, field(1, name.encode()) + field(2, str(value).encode())))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = StochasticUNet()
    # Weights as after training: heads with some spread, and running estimates that are not 0 and 1.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(("mean", "factor")):
                parameter.mul_(3)
        model.train()(torch.randn(8, 1, 16, 16))
    export(
        model,
        folder / "model.onnx",
        **{"size": (16, 16), "minimum_size": (2, 2), "multiple_of": (2, 2), "receptive_field": (11, 11)},
        intensities="zero mean, 0 outside",
    )

    samples, batch, size = 5, 2, (12, 18)
    image = torch.randn(batch, 1, *size)
    image[:, :, :3] = 0
    mask = (image[:, 0] != 0).float()
    labels = torch.randint(0, model.classes, (batch, *size))
    z = torch.randn(samples, batch, model.rank)
    epsilon = torch.randn(samples, batch, model.classes, *size)
    with torch.no_grad():
        mean, factor, diagonal = model.eval()(image)
        logits = sample_logits(mean, factor, diagonal, z, epsilon)
        loss = monte_carlo_nll(logits.double(), labels, mask)
    arrays = {"image": image, "mask": mask, "labels": labels, "z": z, "epsilon": epsilon, "logits": logits}
    reference = {name: array.flatten().tolist() for name, array in arrays.items()}
    reference.update(torch=torch.__version__, samples=samples, batch=batch, spatial=size, loss=loss.item())
    (folder / "reference.json").write_text(json.dumps(reference))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))

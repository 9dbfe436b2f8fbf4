"""Checks the examples that check-onnx.ts leaves in a folder: ONNX's own checker, and the same values in Python."""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

TOLERANCE = 1e-5  # of the largest value


def arrays(folder, tensors):
    def array(tensor):
        return numpy.fromfile(folder / tensor["file"], dtype=tensor["type"]).reshape(tensor["shape"])

    return {tensor["name"]: array(tensor) for tensor in tensors}


def difference(found, expected):
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return numpy.inf
    if found.dtype == numpy.uint8:  # labels, where a tie may fall either way: one in a hundred is too many
        return TOLERANCE * 100 * (found != expected).mean()
    return abs(found - expected).max() / max(abs(expected).max(), 1e-30)


def check(folder, example):
    path = folder / f"{example['name']}.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = arrays(folder, example["outputs"])
    found = dict(zip(expected, session.run(list(expected), arrays(folder, example["inputs"]))))
    if example["random"]:
        assert all(found[name].shape == expected[name].shape for name in expected)
        return 0.0
    return max(difference(found[name], expected[name]) for name in expected)


def main(folder):
    print(f"onnx {onnx.__version__}, Python's onnxruntime {onnxruntime.__version__}")
    differences = {}
    for example in json.loads((folder / "examples.json").read_text()):
        differences[example["name"]] = check(folder, example)
    worst = max(differences, key=differences.get)
    print(f"{len(differences)} files pass the checker; largest relative difference {differences[worst]:.1e} ({worst})")
    return 0 if differences[worst] < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))

#!/bin/sh
# Installs what the benches compare with, PyTorch and numpy, into bench/.venv (some gigabytes; never part of the tests).
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check numpy torch
.venv/bin/python -c 'import torch, numpy; print("torch", torch.__version__, "numpy", numpy.__version__)'

# SPDX-License-Identifier: Apache-2.0
"""An ONNX model of 2.2 GB, one tensor of it above 1 GB: written by `pare convert` with external
data, read back to the same bytes, and run by ONNX Runtime to the same values as the original.

usage: big_model.py PARE INTEROP FOLDER     onnx_pb2 in PYTHONPATH, onnxruntime-node in NODE_PATH
Weights are zeros but for a few rows, so that the file made here takes no room on disk.
"""
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx_pb2 as onnx

pare, interop, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
WIDE, NARROW = 16_640, 16_384
DIMS = {"w0": [NARROW, WIDE], "w1": [WIDE, NARROW]}
MOST_PRIVATE_MB = 200  # a model that is mapped, not read; tables, the process, a tensor's buffers


def make(path):
    """x [1, NARROW] -> MatMul w0 -> MatMul w1 -> y, weights in big.data."""
    model = onnx.ModelProto(ir_version=8)
    model.opset_import.add(domain="", version=17)
    graph = model.graph
    graph.name = "big"
    for values, name in ((graph.input, "x"), (graph.output, "y")):
        tensor = values.add(name=name).type.tensor_type
        tensor.elem_type = 1
        for dim in (1, NARROW):
            tensor.shape.dim.add(dim_value=dim)
    graph.node.add(op_type="MatMul", name="first", input=["x", "w0"], output=["h"])
    graph.node.add(op_type="MatMul", name="second", input=["h", "w1"], output=["y"])
    random, at = np.random.default_rng(4), 0
    with open(path.with_name("big.data"), "wb") as data:
        for name, dims in DIMS.items():
            size = 4 * dims[0] * dims[1]
            held = graph.initializer.add(name=name, data_type=1, dims=dims, data_location=1)
            for key, value in (("location", "big.data"), ("offset", at), ("length", size)):
                held.external_data.add(key=key, value=str(value))
            for row in random.integers(0, dims[0], 40):
                data.seek(at + 4 * int(row) * dims[1])
                data.write(random.normal(0, 1, dims[1]).astype("f4").tobytes())
            at += size
        data.truncate(at)
    path.write_bytes(model.SerializeToString())
    return at


def convert(source, target):
    """Runs pare convert; returns the most private memory seen, in MB."""
    process = subprocess.Popen([pare, "convert", source, "-o", target, "-q"])
    most = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        for line in status.splitlines():
            if line.startswith("RssAnon:"):
                most = max(most, int(line.split()[1]) // 1024)
        time.sleep(0.02)
    if process.wait() != 0:
        sys.exit(f"pare convert {source} failed")
    return most


def only(pattern):
    (found,) = folder.glob(pattern)
    return found


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(model, output):
    subprocess.run(["node", interop / "onnxruntime.js", model, folder / "x.npy", output],
                   check=True, stdout=subprocess.DEVNULL)
    return np.load(output)


total = make(folder / "big.onnx")
x = np.random.default_rng(5).normal(0, 1, (1, NARROW)).astype("f4")
np.save(folder / "x.npy", x)
theirs = run(folder / "big.onnx", folder / "y.npy")
assert np.abs(theirs).max() > 0

most = convert(folder / "big.onnx", folder / "one.onnx")
data = only("one.onnx.*.data")
assert data.stat().st_size >= total > 2 << 30, data.stat().st_size
assert (folder / "one.onnx").stat().st_size < 1 << 20
first = digest(data)
assert data.name == f"one.onnx.{first[:16]}.data"
assert np.array_equal(run(folder / "one.onnx", folder / "y.npy"), theirs)

# What was written is read and written again: the same weights at the same places. Onto the file
# itself, which is mapped meanwhile.
most = max(most, convert(folder / "one.onnx", folder / "one.onnx"))
assert only("one.onnx.*.data") == data and digest(data) == first
assert np.array_equal(run(folder / "one.onnx", folder / "y.npy"), theirs)
assert most <= MOST_PRIVATE_MB, f"{most} MB private"
left = sorted(entry for entry in os.listdir(folder) if entry.startswith("."))
assert not left, left
print(f"{total / 1e9:.2f} GB of weights, at most {most} MB of private memory")

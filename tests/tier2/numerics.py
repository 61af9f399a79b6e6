# SPDX-License-Identifier: Apache-2.0
"""Holds the runtime against arithmetic that is not ours: PyTorch for float models, and for w8a8
models docs/integer-arithmetic.md carried out in NumPy and PyTorch's exact double convolutions.

usage: numerics.py MODEL.pare INPUT.npy LOGITS.npy
INPUT is what pare-infer got, already preprocessed; LOGITS what it answered.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

from pare_file import Model

f32 = np.float32


def attribute(node, key, default):
    held = node.get("attributes", {}).get(key)
    return default if held is None else next(iter(held.values()))


def conv(x, w, node):
    pads = attribute(node, "pads", [0, 0, 0, 0])
    assert pads[0] == pads[2] and pads[1] == pads[3]
    return F.conv2d(x, w, None, attribute(node, "strides", [1, 1]), pads[:2],
                    attribute(node, "dilations", [1, 1]), attribute(node, "group", 1))


def run_float(model, x):
    graph = model.graphs[0]
    values = {i: torch.tensor(model.plain(v["parameter"]))
              for i, v in enumerate(graph["values"]) if "parameter" in v}
    values[graph["inputs"][0]] = torch.tensor(x)
    for node in graph["nodes"]:
        a = [values[i] for i in node["inputs"]]
        op = node["op"]
        if op == "Conv":
            y = conv(a[0], a[1], node)
            y = y + a[2].reshape(1, -1, 1, 1) if len(a) > 2 else y
        elif op == "BatchNormalization":
            y = F.batch_norm(a[0], a[3], a[4], a[1], a[2], eps=attribute(node, "epsilon", 1e-5))
        elif op == "Relu":
            y = F.relu(a[0])
        elif op == "Add":
            y = a[0] + a[1]
        elif op == "GlobalAveragePool":
            y = a[0].mean((2, 3), keepdim=True)
        elif op == "Flatten":
            y = a[0].flatten(1)
        elif op == "Gemm":
            y = F.linear(a[0], a[1] if attribute(node, "transB", 0) else a[1].T, a[2])
        else:
            raise ValueError(f"no reference for {op}")
        values[node["outputs"][0]] = y
    return values[graph["outputs"][0]].numpy()


def requantize(v, quant):
    return np.clip(np.rint(v) + f32(quant["zero_point"]), 0, 255).astype(np.int64)


class Integers:
    """A w8a8 graph of Conv, Relu, Add, GlobalAveragePool, Flatten and Gemm, step by fused step."""

    def __init__(self, model):
        self.model, self.graph = model, model.graphs[0]
        self.values = self.graph["values"]
        self.users = {}
        for node in self.graph["nodes"]:
            for i in node["inputs"]:
                self.users.setdefault(i, []).append(node)

    def quant(self, value):
        return self.values[value].get("quant")

    def weight(self, value):
        name = self.values[value]["parameter"]
        return self.model.codes(name).astype(np.int64), self.model.tensors[name]["scales"]

    def accumulate(self, node, codes):
        x = node["inputs"][0]
        w, scales = self.weight(node["inputs"][1])
        centred = torch.tensor(codes[x] - self.quant(x)["zero_point"]).double()
        has_bias = len(node["inputs"]) > 2
        bias = self.weight(node["inputs"][2])[0] if has_bias else np.zeros(1, np.int64)
        if node["op"] == "Conv":
            acc = conv(centred, torch.tensor(w).double(), node).long().numpy()
            return acc + bias.reshape(1, -1, 1, 1), scales.reshape(1, -1, 1, 1)
        w = w if attribute(node, "transB", 0) else w.T
        return (centred @ torch.tensor(w).double().T).long().numpy() + bias, scales

    def linear(self, node, codes):
        """Follows a Conv or Gemm through the Add and Relu fused into it."""
        acc, scales = self.accumulate(node, codes)
        x, end, residual, relu = self.quant(node["inputs"][0]), node["outputs"][0], None, False
        while self.quant(end) is None and end not in self.graph["outputs"]:
            (user,) = self.users[end]
            if user["op"] == "Add":
                residual = next(i for i in user["inputs"] if i != end)
                if residual not in codes:
                    return None  # the other side carries this Add
            relu = relu or user["op"] == "Relu"
            self.done.add(user["name"])
            end = user["outputs"][0]
        y = self.quant(end)
        s_y = f32(y["scale"]) if y else f32(1)
        # s_a * s_w / s_y in this order, each step rounded
        m = (f32(x["scale"]) * scales.astype(f32)) / s_y
        v = acc.astype(f32) * m.astype(f32)
        if residual is not None:
            r = self.quant(residual)
            v = v + (f32(r["scale"]) / s_y) * (codes[residual] - r["zero_point"]).astype(f32)
        v = np.maximum(v, f32(0)) if relu else v
        return end, (requantize(v, y) if y else v)

    def step(self, node, codes):
        op, x = node["op"], node["inputs"][0]
        if op in ("Conv", "Gemm"):
            return self.linear(node, codes)
        out = node["outputs"][0]
        if op == "Flatten":
            return out, codes[x].reshape(len(codes[x]), -1)
        if op == "GlobalAveragePool":
            a, y = self.quant(x), self.quant(out)
            total = (codes[x] - a["zero_point"]).sum((2, 3), keepdims=True)
            count = f32(codes[x].shape[2] * codes[x].shape[3])
            m = (f32(a["scale"]) / f32(y["scale"])) / count
            return out, requantize(total.astype(f32) * m, y)
        raise ValueError(f"no reference for {op}")

    def run(self, x):
        start = self.graph["inputs"][0]
        q = self.quant(start)
        codes = {start: requantize(x / f32(q["scale"]), q)}
        self.done = set()
        pending = list(self.graph["nodes"])
        while pending:
            later = []
            for node in pending:
                if node["name"] in self.done:
                    continue
                made = self.step(node, codes) if node["inputs"][0] in codes else None
                if made is None:
                    later.append(node)
                else:
                    self.done.add(node["name"])
                    codes[made[0]] = made[1]
            if len(later) == len(pending):
                raise ValueError(f"cannot order {[n['name'] for n in later]}")
            pending = [n for n in later if n["name"] not in self.done]
        return codes[self.graph["outputs"][0]]


def main():
    model = Model(sys.argv[1])
    x, ours = np.load(sys.argv[2]), np.load(sys.argv[3])
    integer = any("quant" in v for v in model.graphs[0]["values"])
    theirs = Integers(model).run(x) if integer else run_float(model, x)
    # Float: sums in another order, through 10 layers. Integer: the same numbers, bit for bit.
    worst = float(np.max(np.abs(ours - theirs)))
    bound = 0.0 if integer else 1e-4 * float(np.max(np.abs(theirs)))
    print(f"{'integers' if integer else 'float'}: {len(x)} items, largest difference {worst:.3g}, "
          f"bound {bound:.3g}")
    sys.exit(0 if ours.shape == theirs.shape and worst <= bound else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/qoperator/: a small file for each operator on codes, between a QuantizeLinear and
a DequantizeLinear, their common input x.npy, and with ONNX Runtime what each makes of it. Odd zero
points and scales in ratios of two, so that values lie halfway between two codes.

usage (run by hand): make_qoperator.py FOLDER
  protoc -I formats/onnx --python_out=DIR onnx.proto, DIR in PYTHONPATH; onnxruntime-node in
  NODE_PATH; FOLDER gets the files.
"""
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_pb2 as onnx

folder = Path(sys.argv[1])
interop = Path(__file__).parents[2] / "interop"
random = np.random.default_rng(3)
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6}
SHAPE = [2, 4, 6, 6]


class Case:
    """A graph x -> codes `x_codes` (scale 0.05) -> ... -> y."""

    def __init__(self, name, signed=False):
        self.name, self.signed = name, signed
        self.model = onnx.ModelProto(ir_version=8)
        self.model.opset_import.add(domain="", version=13)
        self.model.opset_import.add(domain="com.microsoft", version=1)
        self.model.graph.name = name
        self.value(self.model.graph.input, "x", SHAPE)
        self.x = self.quantized("x", "x_codes", 0.05, 117)

    @staticmethod
    def value(values, name, dims):
        tensor = values.add(name=name).type.tensor_type
        tensor.elem_type = 1
        for dim in dims:
            tensor.shape.dim.add(dim_value=dim)

    def tensor(self, name, array):
        self.model.graph.initializer.add(name=name, data_type=TYPES[array.dtype.name],
                                         dims=array.shape, raw_data=array.tobytes())
        return name

    def scale(self, name, scale, zero, kind=None):
        """Names of a scale and a zero point; signed codes lie 128 lower."""
        kind = kind or ("i1" if self.signed else "u1")
        zero = zero - 128 if kind == "i1" and np.ndim(zero) == 0 and zero else zero
        return [self.tensor(name + "_scale", np.array(scale, "f4")),
                self.tensor(name + "_zero", np.full(np.shape(scale), zero, kind))]

    def node(self, op, inputs, output, domain="", **attributes):
        node = self.model.graph.node.add(op_type=op, input=inputs, output=[output], domain=domain,
                                         name=f"{op}_{output}")
        for key, value in attributes.items():
            held = node.attribute.add(name=key)
            if isinstance(value, list):
                held.ints.extend(value)
                held.type = 7
            elif isinstance(value, float):
                held.f, held.type = value, 1
            else:
                held.i, held.type = value, 2
        return output

    def microsoft(self, op, inputs, output, **attributes):
        return self.node(op, inputs, output, "com.microsoft", **attributes)

    def quantized(self, value, codes, scale, zero):
        params = self.scale(codes, scale, zero)
        return [self.node("QuantizeLinear", [value, *params], codes), *params]

    def weight(self, dims, channels=None, kind="i1", zero=0):
        """Codes, scales and zero points; `channels` scales, or one."""
        low, high = (-127, 128) if kind == "i1" else (0, 256)
        codes = random.integers(low, high, dims).astype(kind)
        scale = 2.0 ** random.integers(-9, -6, channels) if channels else 2.0 ** -8
        name = self.tensor("w_quantized", codes)
        params = [self.tensor("w_scale", np.array(scale, "f4")),
                  self.tensor("w_zero", np.full(np.shape(scale), zero, kind))]
        return [name, *params]

    def bias(self, count):
        return self.tensor("b_quantized", random.integers(-900, 900, count).astype("i4"))

    def finish(self, codes, dims, scale=None):
        """Dequantizes `codes` = [name, scale, zero] into the output."""
        if codes:
            self.node("DequantizeLinear", codes, "y")
        self.value(self.model.graph.output, "y", dims)
        path = folder / f"{self.name}.onnx"
        path.write_bytes(self.model.SerializeToString())
        subprocess.run(["node", interop / "onnxruntime.js", path, folder / "x.npy",
                        folder / f"{self.name}.npy"], check=True)


def conv(name, weight, out, bias=True, signed=False, **attributes):
    case = Case(name, signed)
    y = case.scale("y", 0.1, 131)
    inputs = [*case.x, *case.weight(*weight), *y] + ([case.bias(out)] if bias else [])
    case.node("QLinearConv", inputs, "c", **attributes)
    case.finish(["c", *y], [2, out, 6, 6])


def binary(name, op, signed=False):
    case = Case(name, signed)
    other = case.quantized("x", "other", 0.025, 129)
    y = case.scale("y", 0.1 if op == "QLinearAdd" else 0.3, 101)
    case.microsoft(op, [*case.x, *other, *y], "c")
    case.finish(["c", *y], SHAPE)


def unary(name, op, dims, scale=0.1, **attributes):
    case = Case(name)
    y = case.scale("y", scale, 3 if op == "QLinearSigmoid" else 113)
    case.microsoft(op, [*case.x, *y], "c", **attributes)
    case.finish(["c", *y], dims)


def gemm(name, to_float):
    case = Case(name)
    flat = [case.node("Flatten", [case.x[0]], "flat", axis=1), *case.x[1:]]
    y = case.scale("y", 0.5, 119)
    inputs = [*flat, *case.weight((5, 144), 5), case.bias(5)]
    case.microsoft("QGemm", inputs + ([] if to_float else y), "y" if to_float else "c", transB=1)
    case.finish(None if to_float else ["c", *y], [2, 5])


def matmul():
    case = Case("matmul")
    y = case.scale("y", 0.1, 119)
    case.node("QLinearMatMul", [*case.x, *case.weight((6, 5)), *y], "c")
    case.finish(["c", *y], [2, 4, 6, 5])


def concat():
    case = Case("concat")
    other = case.quantized("x", "other", 0.025, 129)
    y = case.scale("y", 0.1, 101)
    case.microsoft("QLinearConcat", [*y, *case.x, *other], "c", axis=1)
    case.finish(["c", *y], [2, 8, 6, 6])


def max_pool():
    case = Case("max_pool")
    case.node("MaxPool", [case.x[0]], "c", kernel_shape=[2, 2], strides=[2, 2])
    case.finish(["c", *case.x[1:]], [2, 4, 3, 3])


np.save(folder / "x.npy", random.normal(0, 2, SHAPE).astype("f4"))
window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
conv("conv", ((5, 4, 3, 3), 5), 5, **window)
conv("conv_signed", ((5, 4, 3, 3), 5), 5, signed=True, **window)
conv("conv_one_scale", ((5, 4, 3, 3),), 5, **window)
conv("conv_unsigned_weight", ((5, 4, 3, 3), None, "u1", 128), 5, **window)
conv("conv_depthwise", ((4, 1, 3, 3), 4), 4, bias=False, group=4, **window)
matmul()
gemm("gemm", to_float=False)
gemm("gemm_to_float", to_float=True)
binary("add", "QLinearAdd")
binary("add_signed", "QLinearAdd", signed=True)
binary("mul", "QLinearMul")
concat()
max_pool()
unary("average", "QLinearAveragePool", [2, 4, 3, 3], kernel_shape=[2, 2], strides=[2, 2])
unary("global_average", "QLinearGlobalAveragePool", [2, 4, 1, 1], 0.05, channels_last=0)
unary("sigmoid", "QLinearSigmoid", SHAPE, 1 / 256)
unary("leaky_relu", "QLinearLeakyRelu", SHAPE, 0.07, alpha=0.1)

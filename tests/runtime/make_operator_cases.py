#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/runtime/fixtures/operator_cases.json: for every operator of the table small inputs and
the outputs that NumPy and PyTorch (test only) compute for them.
usage: make_operator_cases.py > tests/runtime/fixtures/operator_cases.json"""
import json
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(5)
cases = []
NAMES = {"float32": "f32", "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8",
         "uint8": "u8", "bool": "bool"}


def array(x):
    x = x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    if x.dtype == np.float64:
        x = x.astype(np.float32)
    values = [("nan" if np.isnan(v) else "inf" if v > 0 else "-inf") if not np.isfinite(v)
              else float(str(np.float32(v))) if x.dtype == np.float32 else int(v) for v in x.flatten()]
    return {"dtype": NAMES[str(x.dtype)], "dims": list(x.shape), "values": values}


def case(op, inputs, outputs, **attributes):
    cases.append({"op": op, "attributes": attributes,
                  "inputs": [None if x is None else array(x) for x in inputs],
                  "outputs": [array(x) for x in outputs]})


def f(*dims, low=-2.0, high=2.0):
    return rng.uniform(low, high, dims).astype(np.float32)


def i(*values, dtype=np.int64):
    return np.array(values, dtype=dtype)


def t(x):
    return torch.from_numpy(np.asarray(x))


def unary():
    x = f(3, 5)
    unit = f(3, 5, low=-0.95, high=0.95)
    positive = f(3, 5, low=0.1, high=4)
    for op, fn, arg in [
        ("Abs", torch.abs, x), ("Neg", torch.neg, x), ("Sign", torch.sign, x), ("Relu", torch.relu, x),
        ("Floor", torch.floor, x), ("Ceil", torch.ceil, x), ("Round", torch.round, x * 2),
        ("Sqrt", torch.sqrt, positive), ("Reciprocal", torch.reciprocal, positive),
        ("Exp", torch.exp, x), ("Log", torch.log, positive), ("Erf", torch.erf, x),
        ("Sin", torch.sin, x), ("Cos", torch.cos, x), ("Tan", torch.tan, unit),
        ("Asin", torch.asin, unit), ("Acos", torch.acos, unit), ("Atan", torch.atan, x),
        ("Sinh", torch.sinh, x), ("Cosh", torch.cosh, x), ("Tanh", torch.tanh, x),
        ("Asinh", torch.asinh, x), ("Acosh", torch.acosh, positive + 1), ("Atanh", torch.atanh, unit),
        ("Sigmoid", torch.sigmoid, x), ("HardSwish", F.hardswish, x * 3), ("Mish", F.mish, x),
        ("Softplus", F.softplus, x), ("Softsign", F.softsign, x), ("Gelu", F.gelu, x),
        ("Identity", lambda y: y, x),
    ]:
        case(op, [arg], [fn(t(arg))])
    case("Gelu", [x], [F.gelu(t(x), approximate="tanh")], approximate="tanh")
    case("HardSigmoid", [x], [torch.clamp(t(x) * 0.5 + 0.25, 0, 1)], alpha=0.5, beta=0.25)
    case("Swish", [x], [t(x) * torch.sigmoid(1.5 * t(x))], alpha=1.5)
    case("Elu", [x], [F.elu(t(x), 1.5)], alpha=1.5)
    case("Celu", [x], [F.celu(t(x), 1.5)], alpha=1.5)
    case("Selu", [x], [F.selu(t(x))])
    case("LeakyRelu", [x], [F.leaky_relu(t(x), 0.2)], alpha=0.2)
    case("ThresholdedRelu", [x], [F.threshold(t(x), 0.5, 0.0)], alpha=0.5)
    case("Shrink", [x], [F.softshrink(t(x), 0.5)], lambd=0.5, bias=0.5)
    case("Clip", [x, np.float32(-0.5), np.float32(1)], [torch.clamp(t(x), -0.5, 1)])
    case("Clip", [i(-4, 9, 2), np.int64(-1), None], [i(-1, 9, 2)])
    for dtype in [np.int64, np.int32, np.int16, np.int8]:
        v = np.array([-3, 0, 7], dtype)
        case("Abs", [v], [np.abs(v)])
        case("Neg", [v], [-v])
        case("Sign", [v], [np.sign(v)])
        case("Relu", [v], [np.maximum(v, 0)])
    case("BitwiseNot", [np.array([0, 5, 255], np.uint8)], [np.array([255, 250, 0], np.uint8)])
    odd = np.array([1, np.nan, np.inf, -np.inf], np.float32)
    case("IsNaN", [odd], [np.isnan(odd)])
    case("IsInf", [odd], [np.isinf(odd)])
    case("IsInf", [odd], [np.isposinf(odd)], detect_negative=0)
    case("Not", [np.array([True, False])], [np.array([False, True])])
    v = np.array([-1.7, 0.0, 3.9], np.float32)
    for name, dtype in [("i64", np.int64), ("i32", np.int32), ("i8", np.int8), ("bool", np.bool_)]:
        case("Cast", [v], [v.astype(dtype)], to=name)
    case("Cast", [i(300, -1)], [i(300, -1).astype(np.uint8)], to="u8")
    case("Cast", [np.array([True, False])], [np.array([1, 0], np.float32)], to="f32")
    case("Cast", [v / 3], [(v / 3).astype(np.float16).astype(np.float32)], to="f16")


def binary():
    a, b = f(2, 3, 4), f(3, 1)
    for op, fn in [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", np.divide)]:
        case(op, [a, b], [fn(a, b)])
    for dtype in [np.int64, np.int32, np.int16, np.int8, np.uint8]:
        x, y = np.array([[7, 3, 100]], dtype), np.array([[2], [5]], dtype)
        for op, fn in [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply),
                       ("Div", np.floor_divide), ("Mod", np.mod), ("Min", np.minimum),
                       ("Max", np.maximum), ("BitwiseAnd", np.bitwise_and),
                       ("BitwiseOr", np.bitwise_or), ("BitwiseXor", np.bitwise_xor),
                       ("Equal", np.equal), ("Less", np.less), ("LessOrEqual", np.less_equal),
                       ("Greater", np.greater), ("GreaterOrEqual", np.greater_equal)]:
            case(op, [x, y], [fn(x, y)])
    case("Div", [i(-7, 7), i(2, -2)], [i(-3, -3)])
    case("Mod", [i(-7, 7), i(3, -3)], [np.mod(i(-7, 7), i(3, -3))])
    case("Mod", [i(-7, 7), i(3, -3)], [np.fmod(i(-7, 7), i(3, -3))], fmod=1)
    case("Mod", [a, b], [np.fmod(a, b)], fmod=1)
    p = f(2, 3, low=0.1, high=3)
    case("Pow", [p, np.float32(2.5)], [p ** np.float32(2.5)])
    case("Pow", [i(-2, 3), i(3, 4)], [i(-8, 81)])
    case("Pow", [p, i(2)], [p ** 2])
    for op, fn in [("Min", np.minimum), ("Max", np.maximum)]:
        case(op, [a, b, np.float32(0.1)], [fn(fn(a, b), np.float32(0.1))])
    case("Sum", [a, b, b], [a + b + b])
    case("Mean", [a, b], [(a + b) / 2])
    case("PRelu", [a, b], [np.where(a < 0, a * b, a)])
    u = np.array([1, 3, 128], np.uint8)
    case("BitShift", [u, np.array([1, 2, 1], np.uint8)], [np.array([2, 12, 0], np.uint8)], direction="LEFT")
    case("BitShift", [u, np.array([1, 0, 7], np.uint8)], [np.array([0, 3, 1], np.uint8)], direction="RIGHT")
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    for op, fn in [("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor), ("Equal", np.equal)]:
        case(op, [x, y], [fn(x, y)])
    c = rng.integers(0, 2, (2, 1, 4)).astype(bool)
    case("Where", [c, a, b], [np.where(c, a, b)])
    case("Where", [x, i(1, 2, 3, 4), i(9)], [i(1, 2, 9, 9)])


def reductions():
    x = f(2, 3, 4)
    d = x.astype(np.float64)
    for op, fn in [
        ("ReduceSum", lambda v, a, k: v.sum(a, keepdims=k)), ("ReduceMean", lambda v, a, k: v.mean(a, keepdims=k)),
        ("ReduceMax", lambda v, a, k: v.max(a, keepdims=k)), ("ReduceMin", lambda v, a, k: v.min(a, keepdims=k)),
        ("ReduceProd", lambda v, a, k: v.prod(a, keepdims=k)), ("ReduceL1", lambda v, a, k: np.abs(v).sum(a, keepdims=k)),
        ("ReduceL2", lambda v, a, k: np.sqrt((v * v).sum(a, keepdims=k))),
        ("ReduceSumSquare", lambda v, a, k: (v * v).sum(a, keepdims=k)),
        ("ReduceLogSumExp", lambda v, a, k: np.log(np.exp(v).sum(a, keepdims=k))),
    ]:
        case(op, [x, i(1)], [fn(d, 1, True)])
        case(op, [x, i(0, -1)], [fn(d, (0, 2), False)], keepdims=0)
        case(op, [x], [fn(d, None, True)])
    p = f(2, 3, low=0.1, high=3)
    case("ReduceLogSum", [p, i(1)], [np.log(p.sum(1, keepdims=True))])
    n = rng.integers(-9, 9, (3, 4)).astype(np.int32)
    for op, fn in [("ReduceSum", np.sum), ("ReduceMax", np.max), ("ReduceMin", np.min), ("ReduceProd", np.prod)]:
        case(op, [n, i(0)], [fn(n, 0, keepdims=True).astype(np.int32)])
    case("ReduceMax", [np.array([[True, False], [False, False]]), i(1)], [np.array([[True], [False]])])
    case("ArgMax", [x], [x.argmax(1)[:, None]], axis=1)
    case("ArgMin", [x], [x.argmin(-1)], axis=-1, keepdims=0)
    case("ArgMax", [i(3, 1, 3)], [i(2)], axis=0, select_last_index=1)
    v, at = torch.topk(t(x), 2, dim=1)
    case("TopK", [x, i(2)], [v, at], axis=1)
    v, at = torch.topk(t(x), 3, largest=False)
    case("TopK", [x, i(3)], [v, at], largest=0)
    h = np.zeros_like(x)
    np.put_along_axis(h, x.argmax(1)[:, None], 1, 1)
    case("Hardmax", [x], [h], axis=1)
    case("Softmax", [x], [torch.softmax(t(x), 1)], axis=1)
    case("LogSoftmax", [x], [torch.log_softmax(t(x), -1)])
    case("CumSum", [x, np.int64(1)], [d.cumsum(1)])
    case("CumSum", [i(1, 2, 3), np.int64(0)], [i(5, 3, 0)], exclusive=1, reverse=1)
    case("CumProd", [x, np.int64(2)], [d.cumprod(2)])


def layers():
    x1, x2, x3 = f(2, 4, 9), f(2, 4, 7, 6), f(1, 2, 5, 4, 6)
    b = f(6)
    w = f(6, 4, 3)
    case("Conv", [x1, w, b], [F.conv1d(t(x1), t(w), t(b), stride=2, padding=1)], strides=[2], pads=[1, 1])
    w = f(6, 2, 3, 2)
    case("Conv", [x2, w, b], [F.conv2d(t(x2), t(w), t(b), groups=2, dilation=2)], group=2, dilations=[2, 2])
    w = f(4, 1, 2, 3, 2)
    case("Conv", [x3, w], [F.conv3d(t(x3), t(w), groups=2, padding=(1, 0, 1), stride=(1, 2, 1))],
         group=2, pads=[1, 0, 1, 1, 0, 1], strides=[1, 2, 1])
    w = f(4, 3, 3)
    case("ConvTranspose", [x1, w, f(3) * 0], [F.conv_transpose1d(t(x1), t(w), stride=2, padding=1)], strides=[2], pads=[1, 1])
    w = f(4, 3, 3, 2)
    b = f(6)
    case("ConvTranspose", [x2, w, b],
         [F.conv_transpose2d(t(x2), t(w), t(b), stride=2, groups=2, output_padding=1, dilation=2)],
         strides=[2, 2], group=2, output_padding=[1, 1], dilations=[2, 2])
    m, n = f(3, 5), f(4, 5)
    c = f(4)
    case("Gemm", [m, n, c], [0.5 * t(m) @ t(n).T + 2 * t(c)], alpha=0.5, beta=2.0, transB=1)
    m, n = f(2, 1, 3, 5), f(4, 5, 2)
    case("MatMul", [m, n], [t(m) @ t(n)])
    m, n = f(3, 4), f(4, 5)
    case("Einsum", [m, n], [np.einsum("ij,jk->ki", m, n)], equation="ij,jk->ki")
    q = f(3, 3)
    case("Einsum", [q], [np.einsum("ii", q)], equation="ii")
    case("Einsum", [m], [np.einsum("ij->ji", m)], equation="i j -> j i")

    y, at = F.max_pool2d(t(x2), 3, 2, 1, return_indices=True)
    planes = (np.arange(8) * 42).reshape(2, 4, 1, 1)  # ONNX numbers the whole tensor
    case("MaxPool", [x2], [y, at.numpy() + planes], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    case("MaxPool", [x1], [F.max_pool1d(t(x1), 3, stride=1, dilation=2)], kernel_shape=[3], dilations=[2])
    case("MaxPool", [x3], [F.max_pool3d(t(x3), 2)], kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    case("AveragePool", [x1], [F.avg_pool1d(t(x1), 3, 2, 1)], kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1)
    case("AveragePool", [x3], [F.avg_pool3d(t(x3), 2, 1)], kernel_shape=[2, 2, 2])
    case("LpPool", [np.abs(x2)], [F.lp_pool2d(t(np.abs(x2)), 3.0, 2)], kernel_shape=[2, 2], strides=[2, 2], p=3)
    case("GlobalAveragePool", [x2], [t(x2).mean((2, 3), keepdim=True)])
    case("GlobalMaxPool", [x2], [t(x2).amax((2, 3), keepdim=True)])

    s, o, mean, var = f(4), f(4), f(4), f(4, low=0.5, high=2)
    case("BatchNormalization", [x2, s, o, mean, var],
         [F.batch_norm(t(x2), t(mean), t(var), t(s), t(o), eps=1e-3)], epsilon=1e-3)
    case("InstanceNormalization", [x2, s, o], [F.instance_norm(t(x2), weight=t(s), bias=t(o))])
    case("GroupNormalization", [x2, s, o], [F.group_norm(t(x2), 2, t(s), t(o), 1e-5)], num_groups=2)
    s, o = f(7, 6), f(7, 6)
    case("LayerNormalization", [x2, s, o], [F.layer_norm(t(x2), (7, 6), t(s), t(o))], axis=2)
    mean = x1.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt(x1.var(-1, keepdims=True) + 1e-5)
    s = f(9)
    case("LayerNormalization", [x1, s], [(x1 - mean) * inverse * s, mean, inverse])
    case("RMSNormalization", [x1, s], [x1 / np.sqrt((x1 ** 2).mean(-1, keepdims=True) + 1e-5) * s])
    case("LRN", [x2], [F.local_response_norm(t(x2), 3, 0.01, 0.6, 1.5)], size=3, alpha=0.01, beta=0.6, bias=1.5)
    case("LpNormalization", [x1], [F.normalize(t(x1), p=2.0, dim=1)], axis=1)
    case("LpNormalization", [x1], [F.normalize(t(x1), p=1.0, dim=-1)], p=1)
    case("MeanVarianceNormalization", [x2], [(x2 - x2.mean((0, 2, 3), keepdims=True)) / x2.std((0, 2, 3), keepdims=True)])

    image = f(1, 2, 4, 5)
    for mode, name in [("linear", "bilinear"), ("cubic", "bicubic")]:
        up = F.interpolate(t(image), (7, 9), mode=name, align_corners=False)
        case("Resize", [image, None, None, i(1, 2, 7, 9)], [up], mode=mode, coordinate_transformation_mode="pytorch_half_pixel")
        up = F.interpolate(t(image), (7, 9), mode=name, align_corners=True)
        case("Resize", [image, None, None, i(1, 2, 7, 9)], [up], mode=mode, coordinate_transformation_mode="align_corners")
        down = F.interpolate(t(image), (2, 3), mode=name, antialias=True)
        if mode == "linear":  # torch's antialiased bicubic has another coefficient
            case("Resize", [image, None, None, i(1, 2, 2, 3)], [down], mode=mode, antialias=1,
                 exclude_outside=1)
    near = F.interpolate(t(image), scale_factor=2, mode="nearest")
    case("Resize", [image, None, np.array([1, 1, 2, 2], np.float32)], [near], mode="nearest",
         coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def recurrent():
    time, batch, size, hidden = 4, 2, 3, 5
    x = f(time, batch, size)
    for op, cls, gates, order in [("LSTM", torch.nn.LSTM, 4, [0, 3, 1, 2]), ("GRU", torch.nn.GRU, 3, [1, 0, 2]),
                                  ("RNN", torch.nn.RNN, 1, [0])]:
        layer = cls(size, hidden, bidirectional=True)

        def reordered(p):  # torch's gates into ONNX's order
            return torch.cat([p.detach().reshape(gates, hidden, -1)[g] for g in order])

        def both(kind):
            return torch.stack([reordered(getattr(layer, kind)), reordered(getattr(layer, kind + "_reverse"))])
        w, r = both("weight_ih_l0"), both("weight_hh_l0")
        b = torch.cat([both("bias_ih_l0"), both("bias_hh_l0")], 1).reshape(2, -1)
        h0, c0 = f(2, batch, hidden), f(2, batch, hidden)
        lstm = op == "LSTM"
        y, state = layer(t(x), (t(h0), t(c0)) if lstm else t(h0))
        y = y.reshape(time, batch, 2, hidden).permute(0, 2, 1, 3)
        outputs = [y, *state] if lstm else [y, state]
        extra = {"linear_before_reset": 1} if op == "GRU" else {}
        case(op, [x, w, r, b, None, h0] + ([c0] if lstm else []), outputs,
             direction="bidirectional", hidden_size=hidden, **extra)
        forward = cls(size, hidden, bias=False)
        w, r = reordered(forward.weight_ih_l0)[None], reordered(forward.weight_hh_l0)[None]
        y, state = forward(t(x[::-1].copy()))
        last = state[0] if lstm else state
        case(op, [x, w, r], [y.flip(0)[:, None], last], direction="reverse", hidden_size=hidden, **extra)


def attention():
    q, k, v = f(2, 4, 3, 8), f(2, 2, 6, 8), f(2, 2, 6, 5)
    group = [torch.repeat_interleave(t(x), 2, 1) for x in (k, v)]
    mask = rng.integers(0, 2, (3, 6)).astype(bool) | np.eye(3, 6, dtype=bool)
    def plain(bias):
        scores = t(q) @ group[0].transpose(-1, -2) / np.sqrt(8)
        return torch.softmax(scores + bias, -1) @ group[1]
    for bias in [np.zeros((3, 6), np.float32), f(3, 6)]:
        case("Attention", [q, k, v, bias], [plain(t(bias))])
    minus = torch.where(t(mask), 0.0, -torch.inf).to(torch.float32)
    case("Attention", [q, k, v, mask], [plain(minus)])
    packed = [x.transpose(0, 2, 1, 3).reshape(2, x.shape[2], -1) for x in (q, k, v)]
    out = plain(0.0).permute(0, 2, 1, 3).reshape(2, 3, -1)
    case("Attention", packed, [out], q_num_heads=4, kv_num_heads=2)
    causal = torch.triu(torch.full((3, 6), -torch.inf), 4)  # the last query sees all keys
    case("Attention", [q, k[:, :, 3:], v[:, :, 3:], None, k[:, :, :3], v[:, :, :3]],
         [plain(causal), k, v], is_causal=1)
    x, ids = f(2, 4, 3, 6), i([0, 1, 2], [4, 2, 1])
    angle = f(5, 3)
    c, s = np.cos(angle)[ids][:, None], np.sin(angle)[ids][:, None]
    a, b = x[..., :3], x[..., 3:]
    case("RotaryEmbedding", [x, np.cos(angle), np.sin(angle), ids], [np.concatenate([a * c - b * s, a * s + b * c], -1)])


def movement():
    x = f(2, 3, 4)
    case("Flatten", [x], [x.reshape(2, 12)])
    case("Reshape", [x, i(0, -1, 2)], [x.reshape(2, 6, 2)])
    case("Transpose", [x], [x.transpose(1, 0, 2)], perm=[1, 0, 2])
    case("Concat", [x, x[:, :1]], [np.concatenate([x, x[:, :1]], 1)], axis=1)
    case("Split", [x, i(1, 3)], [x[..., :1], x[..., 1:]], axis=-1)
    case("Split", [i(1, 2, 3)], [i(1, 2), i(3)], axis=0, num_outputs=2)
    case("Slice", [x, i(-1), i(-9), i(1), i(-2)], [x[:, ::-2]])
    case("Pad", [x, i(0, 1, 0, 0, 0, 2), np.float32(7)], [np.pad(x, [(0, 0), (1, 0), (0, 2)], constant_values=7)])
    case("Pad", [x, i(0, 1, 1, 0, 0, 2)], [np.pad(x, [(0, 0), (1, 0), (1, 2)], mode="reflect")], mode="reflect")
    case("Squeeze", [x[:, :1], i(1)], [x[:, 0]])
    case("Unsqueeze", [x, i(0, -1)], [x[None, ..., None]])
    case("Gather", [x, i(2, 0, -1)], [x[:, [2, 0, -1]]], axis=1)
    case("Expand", [x[:, :1], i(3, 1)], [np.broadcast_to(x[:, :1], (2, 3, 4))])
    case("Expand", [np.array([True, False]), i(2, 1)], [np.array([[True, False], [True, False]])])
    case("Tile", [x, i(2, 1, 3)], [np.tile(x, (2, 1, 3))])
    case("Tile", [np.array([1, 2], np.int8), i(2)], [np.array([1, 2, 1, 2], np.int8)])
    at = rng.integers(-3, 3, (2, 2, 4))
    case("GatherElements", [x, at], [np.take_along_axis(x, at, 1)], axis=1)
    case("GatherND", [x, i([0, 2], [1, -1])], [x[[0, 1], [2, -1]]])
    case("GatherND", [x, i([2], [0])], [x[[0, 1], [2, 0]]], batch_dims=1)
    at, u = rng.permuted(np.tile(np.arange(3)[None, :, None], (2, 1, 4)), axis=1)[:, :2], f(2, 2, 4)
    out = x.copy()
    np.put_along_axis(out, at, u, 1)
    case("ScatterElements", [x, at, u], [out], axis=1)
    case("ScatterElements", [i(1, 2, 3), i(1, 1), i(5, 6)], [i(1, 13, 3)], axis=0, reduction="add")
    out = x.copy()
    out[[0, 1], [2, 0]] = u[:, 0]
    case("ScatterND", [x, i([0, 2], [1, 0]), u[:, 0]], [out])
    case("ScatterND", [i(1, 2, 3), i([1], [1]), i(5, 6)], [i(1, 60, 3)], reduction="mul")
    case("Compress", [x, np.array([False, True, True])], [x[:, 1:]], axis=1)
    case("Compress", [i([1, 2], [3, 4]), np.array([False, True, False, True])], [i(2, 4)])
    s = f(4, 2)
    out = s.copy()
    out[:3, 0], out[:2, 1] = s[2::-1, 0], s[1::-1, 1]
    case("ReverseSequence", [s, i(3, 2)], [out], time_axis=0, batch_axis=1)
    case("Trilu", [x], [np.triu(x)])
    case("Trilu", [x, np.int64(-1)], [np.tril(x, -1)], upper=0)
    d = f(1, 8, 2, 3)
    case("DepthToSpace", [d], [F.pixel_shuffle(t(d), 2)], blocksize=2, mode="CRD")
    case("DepthToSpace", [d], [d.reshape(1, 2, 2, 2, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6)], blocksize=2)
    d = f(1, 2, 4, 6)
    case("SpaceToDepth", [d], [d.reshape(1, 2, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 8, 2, 3)], blocksize=2)


def made():
    x = f(2, 3, 4)
    case("Shape", [x], [i(2, 3, 4)])
    case("Shape", [x], [i(3)], start=-2, end=-1)
    case("Size", [x], [np.int64(24)])
    case("Range", [np.int64(9), np.int64(2), np.int64(-3)], [np.arange(9, 2, -3)])
    case("Range", [np.float32(0), np.float32(1), np.float32(0.25)], [np.arange(0, 1, 0.25)])
    case("ConstantOfShape", [i(2, 3)], [np.full((2, 3), 1.5, np.float32)], value=1.5)
    case("ConstantOfShape", [i(2)], [i(0, 0)], dtype="i64")
    case("OneHot", [i(0, 2, -1), np.int64(3), np.array([0, 5], np.float32)], [5 * np.eye(3)[[0, 2, -1]]])
    case("OneHot", [i(1), np.int64(2), i(7, 9)], [i([7], [9])], axis=0)
    case("EyeLike", [f(3, 4)], [np.eye(3, 4, k=1, dtype=np.int64)], k=1, dtype="i64")
    case("NonZero", [np.array([[1, 0], [0, 2]], np.int32)], [i([0, 1], [0, 1])])
    case("Constant", [], [np.array([1.5, -2], np.float32)], value_floats=[1.5, -2.0])


torch.manual_seed(1)
for part in [unary, binary, reductions, layers, recurrent, attention, movement, made]:
    part()
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")

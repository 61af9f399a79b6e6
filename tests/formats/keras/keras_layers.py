# SPDX-License-Identifier: Apache-2.0
"""Keras's layers without Keras: what its files say about each, the weights they have and what they
compute, in float64 by NumPy from the definitions in Keras's documentation, in Keras's own order of
axes. make_fixtures.py builds files of them; tests/tier2/keras_forward.py runs real models with them.
"""
import math

import numpy as np


# --- what layers compute, on [batch, ...] in Keras's order -----------------------------------

def activation(name, x):
    e = np.exp
    return {
        "linear": lambda: x,
        "relu": lambda: np.maximum(x, 0),
        "relu6": lambda: np.clip(x, 0, 6),
        "sigmoid": lambda: 1 / (1 + e(-x)),
        "tanh": lambda: np.tanh(x),
        "hard_sigmoid": lambda: np.clip(0.2 * x + 0.5, 0, 1),
        "swish": lambda: x / (1 + e(-x)),
        "gelu": lambda: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
        "elu": lambda: np.where(x > 0, x, e(np.minimum(x, 0)) - 1),
        "selu": lambda: 1.0507009873554805 * np.where(
            x > 0, x, 1.6732632423543772 * (e(np.minimum(x, 0)) - 1)),
        "softplus": lambda: np.log1p(e(x)),
        "softsign": lambda: x / (1 + np.abs(x)),
        "exponential": lambda: e(x),
        "leaky_relu": lambda: np.where(x > 0, x, 0.2 * x),
        "softmax": lambda: e(x) / e(x).sum(-1, keepdims=True),
    }[name]()


def window_starts(size, kernel, stride, dilation, padding):
    """First positions of the windows, before the image where it is padded."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return range(0, size - reach + 1, stride)
    if padding == "causal":
        return range(1 - reach, size - reach + 1, stride)
    count = -(-size // stride)
    before = max((count - 1) * stride + reach - size, 0) // 2
    return range(-before, -before + count * stride, stride)


def windows(x, kernel, strides, dilation, padding):
    """Yields output position and {(ky, kx): pixel [batch, channels]} of those inside."""
    ys = window_starts(x.shape[1], kernel[0], strides[0], dilation[0], padding)
    xs = window_starts(x.shape[2], kernel[1], strides[1], dilation[1], padding)
    for oy, y0 in enumerate(ys):
        for ox, x0 in enumerate(xs):
            inside = {}
            for ky in range(kernel[0]):
                for kx in range(kernel[1]):
                    iy, ix = y0 + ky * dilation[0], x0 + kx * dilation[1]
                    if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                        inside[ky, kx] = x[:, iy, ix, :]
            yield oy, ox, len(ys), len(xs), inside


def slide(x, kernel, strides, dilation, padding, channels, value):
    out = None
    for oy, ox, rows, columns, inside in windows(x, kernel, strides, dilation, padding):
        if out is None:
            out = np.zeros((x.shape[0], rows, columns, channels))
        out[:, oy, ox, :] = value(inside)
    return out


def convolve(x, w, bias, strides, dilation, padding, groups=1):
    per_in, per_out = w.shape[2], w.shape[3] // groups

    def value(inside):
        y = np.zeros((x.shape[0], w.shape[3]))
        for (ky, kx), pixel in inside.items():
            for g in range(groups):
                y[:, g * per_out:(g + 1) * per_out] += (
                    pixel[:, g * per_in:(g + 1) * per_in]
                    @ w[ky, kx, :, g * per_out:(g + 1) * per_out])
        return y
    y = slide(x, w.shape[:2], strides, dilation, padding, w.shape[3], value)
    return y if bias is None else y + bias


def convolve_depthwise(x, w, bias, strides, dilation, padding):
    channels, multiplier = w.shape[2:]

    def value(inside):
        y = np.zeros((x.shape[0], channels * multiplier))
        for (ky, kx), pixel in inside.items():
            for c in range(channels):
                for m in range(multiplier):
                    y[:, c * multiplier + m] += pixel[:, c] * w[ky, kx, c, m]
        return y
    y = slide(x, w.shape[:2], strides, dilation, padding, channels * multiplier, value)
    return y if bias is None else y + bias


def pool(x, size, strides, padding, reduce):
    def value(inside):
        return reduce(np.stack(list(inside.values())), axis=0)
    return slide(x, size, strides, (1, 1), padding, x.shape[3], value)


# --- layers: what Keras writes about them, their weights, what they compute --------------------

class Layer:
    """`weights` are (name, array) in Keras's order; `compute` takes and gives arrays."""

    def __init__(self, class_name, name, config, weights, compute):
        self.class_name, self.name, self.compute = class_name, name, compute
        self.config = dict(name=name, trainable=True, dtype="float32", **config)
        self.weights = [(kind, np.asarray(w, "f4")) for kind, w in weights]

    def w(self, kind):
        return next((w.astype("f8") for k, w in self.weights if k == kind), None)


class Maker:
    """Draws weights from one stream, so that each file is the same every time."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def draw(self, *dims, scale=0.5):
        return self.rng.normal(0, scale, dims).astype("f4")

    def first(self, layer, x):
        """As NHWC, when the layer keeps its channels first."""
        return np.moveaxis(x, 1, -1) if layer.config.get("data_format") == "channels_first" else x

    def back(self, layer, y):
        return np.moveaxis(y, -1, 1) if layer.config.get("data_format") == "channels_first" else y

    def conv2d(self, name, filters, kernel, inputs, strides=(1, 1), padding="valid",
               dilation=(1, 1), groups=1, bias=True, act="linear", data_format="channels_last"):
        weights = [("kernel", self.draw(*kernel, inputs // groups, filters))]
        if bias:
            weights.append(("bias", self.draw(filters)))
        layer = Layer("Conv2D", name, dict(
            filters=filters, kernel_size=list(kernel), strides=list(strides), padding=padding,
            data_format=data_format, dilation_rate=list(dilation), groups=groups, activation=act,
            use_bias=bias), weights, None)
        layer.compute = lambda x: self.back(layer, activation(act, convolve(
            self.first(layer, x), layer.w("kernel"), layer.w("bias"), strides, dilation, padding,
            groups)))
        return layer

    def conv1d(self, name, filters, kernel, inputs, stride=1, padding="valid", dilation=1):
        layer = Layer("Conv1D", name, dict(
            filters=filters, kernel_size=[kernel], strides=[stride], padding=padding,
            data_format="channels_last", dilation_rate=[dilation], activation="linear",
            use_bias=True),
            [("kernel", self.draw(kernel, inputs, filters)), ("bias", self.draw(filters))], None)

        def compute(x):
            # One row of the causal window: the row axis is "valid" either way.
            rows = window_starts(x.shape[1], kernel, stride, dilation, padding)
            w, y = layer.w("kernel"), np.zeros((x.shape[0], len(rows), filters))
            for o, start in enumerate(rows):
                for k in range(kernel):
                    at = start + k * dilation
                    if 0 <= at < x.shape[1]:
                        y[:, o] += x[:, at] @ w[k]
            return y + layer.w("bias")
        layer.compute = compute
        return layer

    def depthwise(self, name, kernel, inputs, multiplier, strides=(1, 1), padding="same",
                  bias=True):
        weights = [("depthwise_kernel", self.draw(*kernel, inputs, multiplier))]
        if bias:
            weights.append(("bias", self.draw(inputs * multiplier)))
        layer = Layer("DepthwiseConv2D", name, dict(
            kernel_size=list(kernel), strides=list(strides), padding=padding,
            data_format="channels_last", dilation_rate=[1, 1], depth_multiplier=multiplier,
            activation="linear", use_bias=bias), weights, None)
        layer.compute = lambda x: convolve_depthwise(
            x, layer.w("depthwise_kernel"), layer.w("bias"), strides, (1, 1), padding)
        return layer

    def separable(self, name, filters, kernel, inputs, multiplier, strides=(1, 1),
                  padding="same", act="relu"):
        layer = Layer("SeparableConv2D", name, dict(
            filters=filters, kernel_size=list(kernel), strides=list(strides), padding=padding,
            data_format="channels_last", dilation_rate=[1, 1], depth_multiplier=multiplier,
            activation=act, use_bias=True),
            [("depthwise_kernel", self.draw(*kernel, inputs, multiplier)),
             ("pointwise_kernel", self.draw(1, 1, inputs * multiplier, filters)),
             ("bias", self.draw(filters))], None)
        layer.compute = lambda x: activation(act, convolve(
            convolve_depthwise(x, layer.w("depthwise_kernel"), None, strides, (1, 1), padding),
            layer.w("pointwise_kernel"), layer.w("bias"), (1, 1), (1, 1), "valid"))
        return layer

    def dense(self, name, units, inputs, bias=True, act="linear"):
        weights = [("kernel", self.draw(inputs, units))]
        if bias:
            weights.append(("bias", self.draw(units)))
        layer = Layer("Dense", name, dict(units=units, activation=act, use_bias=bias), weights,
                      None)
        layer.compute = lambda x: activation(
            act, x @ layer.w("kernel") + (layer.w("bias") if bias else 0))
        return layer

    def batch_norm(self, name, size, axis=-1, scale=True, center=True, epsilon=1e-3):
        weights = [("gamma", 1 + self.draw(size, scale=0.2))] if scale else []
        weights += [("beta", self.draw(size))] if center else []
        weights += [("moving_mean", self.draw(size)),
                    ("moving_variance", 0.5 + self.rng.random(size))]
        layer = Layer("BatchNormalization", name, dict(
            axis=[axis], momentum=0.99, epsilon=epsilon, center=center, scale=scale), weights,
            None)

        def compute(x):
            y = np.moveaxis(x, axis, -1)
            y = (y - layer.w("moving_mean")) / np.sqrt(layer.w("moving_variance") + epsilon)
            y = y * layer.w("gamma") if scale else y
            y = y + layer.w("beta") if center else y
            return np.moveaxis(y, -1, axis)
        layer.compute = compute
        return layer


def plain(class_name, name, compute, **config):
    return Layer(class_name, name, config, [], compute)


def act(name, kind):
    return plain("Activation", name, lambda x: activation(kind, x), activation=kind)


def pooling(class_name, name, size, strides, padding, data_format="channels_last"):
    reduce = np.max if class_name.startswith("Max") else np.mean

    def compute(x):
        first = data_format == "channels_first"
        y = pool(np.moveaxis(x, 1, -1) if first else x, size, strides or size, padding, reduce)
        return np.moveaxis(y, -1, 1) if first else y
    return plain(class_name, name, compute, pool_size=list(size),
                 strides=list(strides) if strides else None, padding=padding,
                 data_format=data_format)


def flatten(name, data_format="channels_last"):
    def compute(x):
        if data_format == "channels_first" and x.ndim > 2:
            x = np.moveaxis(x, 1, -1)
        return x.reshape(len(x), -1)
    return plain("Flatten", name, compute, data_format=data_format)


def reshape(name, *target):
    return plain("Reshape", name, lambda x: x.reshape(len(x), *target), target_shape=list(target))


def permute(name, *dims):
    return plain("Permute", name, lambda x: x.transpose(0, *dims), dims=list(dims))


def zero_padding(name, rows, columns):
    return plain("ZeroPadding2D", name, lambda x: np.pad(x, [(0, 0), rows, columns, (0, 0)]),
                 padding=[list(rows), list(columns)], data_format="channels_last")


def merge(class_name, name, compute, **config):
    return plain(class_name, name, compute, **config)

# SPDX-License-Identifier: Apache-2.0
"""Writes the small Keras files of fixtures/ without Keras: h5py lays them out as Keras 2 does, and
NumPy computes in float64, from the definitions in Keras's documentation and in Keras's own order of
axes, what each model answers. Inputs and answers lie in the same file under check/, images turned
to channels first, which is how this program takes and gives them.

corpus/ gets files that nobody should send.

usage: /usr/bin/python3 tests/formats/keras/make_fixtures.py   rewrites fixtures/*.h5, corpus/*.h5
"""
import json
import math
import os

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "fixtures")
CORPUS = os.path.join(HERE, "corpus")


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


# --- files ------------------------------------------------------------------------------------

def input_layer(name, shape):
    return {"class_name": "InputLayer", "name": name, "inbound_nodes": [],
            "config": dict(batch_input_shape=[None, *shape], dtype="float32", sparse=False,
                           name=name)}


def described(layer, inbound=None):
    out = {"class_name": layer.class_name, "config": layer.config}
    if inbound is not None:
        out.update(name=layer.name, inbound_nodes=inbound)
    return out


def sequential_config(layers, shape, style):
    """style: "list" (Keras 2.1), "dict" (2.2) or "input" (2.3 on, with an InputLayer)."""
    described_layers = [described(layer) for layer in layers]
    if style == "input":
        first = input_layer(layers[0].name + "_input", shape)
        described_layers.insert(0, {k: first[k] for k in ("class_name", "config")})
    else:
        layers[0].config["batch_input_shape"] = [None, *shape]
    return {"class_name": "Sequential",
            "config": described_layers if style == "list"
            else {"name": "sequential", "layers": described_layers}}


class Functional:
    """Layers called on one another. `flat_references` writes [layer, call, output] without the
    list around it, as Keras 2.4 does in places."""

    def __init__(self, class_name="Functional"):
        self.class_name = class_name
        self.layers, self.nodes, self.inputs, self.values = [], {}, [], {}
        self.described = []

    def input(self, name, shape, value):
        self.described.append(input_layer(name, shape))
        self.inputs.append((name, value))
        self.values[name, 0] = value
        return name, 0

    def __call__(self, layer, *sources):
        if layer.name not in self.nodes:
            self.layers.append(layer)
            self.nodes[layer.name] = []
            self.described.append(described(layer, self.nodes[layer.name]))
        call = len(self.nodes[layer.name])
        self.nodes[layer.name].append([[s[0], s[1], 0, {}] for s in sources])
        self.values[layer.name, call] = layer.compute(*[self.values[s] for s in sources])
        return layer.name, call

    def config(self, *outputs, name="model"):
        return {"class_name": self.class_name, "config": {
            "name": name, "layers": self.described,
            "input_layers": [[n, 0, 0] for n, _ in self.inputs],
            "output_layers": [[n, c, 0] for n, c in outputs]}}


def channels_first(x):
    return np.moveaxis(x, -1, 1) if x.ndim == 4 else x


def fixed(names):
    return np.array([n.encode() for n in names]) if names else np.zeros(0)


def write_weights(group, weights_by_layer, split=0, compact=False):
    """`split`: names in a list of their own, beyond which lists are numbered. `compact`: arrays lie
    in their headers."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if compact:
        layout.set_layout(h5py.h5d.COMPACT)
    names = [name for name, _ in weights_by_layer]
    if split:
        for i in range(0, len(names), split):
            group.attrs[f"layer_names{i // split}"] = fixed(names[i:i + split])
    else:
        group.attrs["layer_names"] = fixed(names)
    group.attrs["backend"] = np.bytes_("tensorflow")
    for layer, weights in weights_by_layer:
        own = group.create_group(layer)
        full = [w if "/" in w else f"{layer}/{w}" for w, _ in weights]
        own.attrs["weight_names"] = fixed([f + ":0" for f in full])
        for name, (_, array) in zip(full, weights):
            own.create_dataset(name + ":0", data=array, dcpl=layout)


def write(name, config, weights, inputs, outputs, version="2.4.0", latest=True, text=str,
          images=channels_first, compact=False):
    path = os.path.join(FOLDER, name + ".h5")
    with h5py.File(path, "w", libver="latest" if latest else "earliest") as f:
        f.attrs["keras_version"] = text(version)
        f.attrs["backend"] = text("tensorflow")
        f.attrs["model_config"] = text(json.dumps(config, separators=(",", ":")))
        write_weights(f.create_group("model_weights"), weights, compact=compact)
        for i, x in enumerate(inputs):
            f[f"check/input_{i}"] = images(x).astype("f4")
        for i, y in enumerate(outputs):
            f[f"check/output_{i}"] = images(y).astype("f4")
    assert os.path.getsize(path) <= 20_000, (path, os.path.getsize(path))


def weights_of(layers):
    return [(layer.name, layer.weights) for layer in layers]


def run(layers, x):
    for layer in layers:
        x = layer.compute(x)
    return x


def write_sequential(name, layers, x, style="input", **options):
    write(name, sequential_config(layers, list(x.shape[1:]), style), weights_of(layers), [x],
          [run(layers, x)], **options)


def make_sequential():
    m = Maker(1)
    x = m.draw(2, 7, 5, 3, scale=1).astype("f8")
    layers = [m.conv2d("conv2d_1", 4, (3, 3), 3, strides=(2, 2), padding="same"),
              m.batch_norm("batch_normalization_1", 4, axis=3),
              act("activation_1", "relu"),
              pooling("MaxPooling2D", "max_pooling2d_1", (2, 2), None, "same"),
              plain("Dropout", "dropout_1", lambda v: v, rate=0.5, noise_shape=None, seed=None),
              flatten("flatten_1"),
              m.dense("dense_1", 5, 2 * 2 * 4, act="softmax")]
    write_sequential("sequential_2_1", layers, x, style="list", version="2.1.6", latest=False,
                     text=np.bytes_)
    x = m.draw(2, 6, 6, 2, scale=1).astype("f8")
    layers = [m.conv2d("conv", 3, (3, 2), 2, padding="same", dilation=(2, 1), act="relu"),
              pooling("AveragePooling2D", "average", (3, 3), (2, 2), "same"),
              flatten("flatten"),
              act("between", "tanh"),
              m.dense("hidden", 4, 27, bias=False, act="sigmoid"),
              m.dense("out", 3, 4)]
    write_sequential("sequential_2_2", layers, x, style="dict", version="2.2.4-tf")
    x = m.draw(3, 6, scale=1).astype("f8")
    layers = [m.dense("d1", 4, 6, act="relu"), m.batch_norm("norm", 4, scale=False),
              m.dense("d2", 2, 4, act="softmax")]
    write_sequential("dense", layers, x)


def make_functional():
    m = Maker(2)
    x = m.draw(2, 9, 7, 2, scale=1).astype("f8")
    f = Functional()
    stem = f(m.conv2d("stem", 4, (3, 3), 2, padding="same", bias=False), f.input("image", [9, 7, 2], x))
    stem = f(plain("ReLU", "relu", lambda v: np.clip(v, 0, 1.5), max_value=1.5,
                   negative_slope=0.0, threshold=0.0), stem)
    left = f(m.conv2d("left", 4, (3, 3), 4, strides=(2, 2), padding="same", groups=2), stem)
    right = f(pooling("AveragePooling2D", "right", (2, 2), None, "same"), stem)
    both = f(merge("Add", "add", lambda a, b: a + b), left, right)
    gated = f(merge("Multiply", "multiply", lambda a, b: a * b), both, left)
    less = f(merge("Subtract", "subtract", lambda a, b: a - b), gated, right)
    wide = f(merge("Concatenate", "concatenate",
                   lambda *v: np.concatenate(v, 3), axis=3), both, less, right)
    mean = f(plain("GlobalAveragePooling2D", "mean", lambda v: v.mean((1, 2)),
                   data_format="channels_last"), wide)
    most = f(plain("GlobalMaxPooling2D", "most", lambda v: v.max((1, 2)),
                   data_format="channels_last"), wide)
    head = f(merge("Concatenate", "head", lambda *v: np.concatenate(v, 1), axis=-1), mean, most)
    out = f(m.dense("logits", 3, 24), head)
    prob = f(plain("Softmax", "softmax", lambda v: activation("softmax", v), axis=-1), out)
    write("functional", f.config(prob, wide), weights_of(f.layers), [x],
          [f.values[prob], f.values[wide]], version="2.4.0")


def make_separable():
    m = Maker(3)
    x = m.draw(2, 5, 8, 3, scale=1).astype("f8")
    layers = [m.separable("separable", 4, (3, 3), 3, 2, strides=(2, 2)),
              zero_padding("pad", (0, 1), (2, 1)),
              m.depthwise("depthwise", (3, 3), 4, 2, strides=(2, 2), padding="valid"),
              m.depthwise("depthwise_same", (2, 2), 8, 1, bias=False)]
    write_sequential("separable", layers, x, version="2.3.0-tf")


def make_shapes():
    m = Maker(4)
    x = m.draw(2, 3, 4, 2, scale=1).astype("f8")
    f = Functional("Model")
    image = f.input("image", [3, 4, 2], x)
    conv = f(m.conv2d("conv", 3, (1, 1), 2), image)
    rows = f(m.batch_norm("rows", 3, axis=1, center=False), conv)
    over = f(plain("Softmax", "over_width", lambda v: np.exp(v) / np.exp(v).sum(2, keepdims=True),
                   axis=2), rows)
    turned = f(permute("turned", 3, 1, 2), over)
    flat = f(flatten("flat"), turned)
    normal = f(m.batch_norm("normal", 36), flat)
    back = f(reshape("back", 6, -1, 2), normal)
    again = f(m.conv2d("again", 2, (2, 2), 2, padding="same"), back)
    flat_image = f(flatten("flat_image"), again)
    soft = f(act("soft", "softmax"), flat_image)
    dense = f(m.dense("per_row", 4, 2), back)
    pool = f(plain("GlobalAveragePooling2D", "pool", lambda v: v.mean((1, 2)),
                   data_format="channels_last"), again)
    squeeze = f(reshape("squeeze", 1, 1, 2), pool)
    excite = f(m.conv2d("excite", 2, (1, 1), 2, act="hard_sigmoid"), squeeze)
    scaled = f(merge("Multiply", "scaled", lambda a, b: a * b), again, excite)
    outputs = [flat, soft, dense, scaled]
    write("shapes", f.config(*outputs), weights_of(f.layers), [x], [f.values[o] for o in outputs],
          version="2.2.4")


def make_activations():
    m = Maker(5)
    x = m.draw(4, 8, scale=3).astype("f8")
    f = Functional()
    data = f.input("data", [8], x)
    outputs = [f(act(kind, kind), data) for kind in
               ("relu", "relu6", "sigmoid", "tanh", "hard_sigmoid", "swish", "gelu", "softmax",
                "elu", "selu", "softplus", "softsign", "exponential", "leaky_relu")]
    outputs.append(f(plain("Rescaling", "rescaling", lambda v: v / 4 - 1, scale=0.25, offset=-1.0),
                     data))
    write("activations", f.config(*outputs), [], [x], [f.values[o] for o in outputs])


def make_rectifiers():
    m = Maker(11)
    x = m.draw(2, 4, 3, 2, scale=2).astype("f8")
    x[0, 0, 0, 0] = 0.5  # at the threshold
    f = Functional()
    image = f.input("image", [4, 3, 2], x)

    def relu(name, slope, most, threshold):
        def compute(v):
            y = np.where(v >= threshold, v, slope * (v - threshold))
            return np.minimum(y, math.inf if most is None else most)
        return plain("ReLU", name, compute, max_value=most, negative_slope=slope,
                     threshold=threshold)

    def prelu(name, dims, shared):
        layer = Layer("PReLU", name, dict(shared_axes=shared), [("alpha", m.draw(*dims))], None)
        layer.compute = lambda v: np.where(v > 0, v, v * layer.w("alpha"))
        return layer
    each = [f(relu("above", 0.0, None, 0.5), image), f(relu("between", 0.0, 2.0, 0.5), image),
            f(relu("leaky_most", 0.25, 1.0, 0.0), image),
            f(plain("LeakyReLU", "leaky", lambda v: np.where(v > 0, v, 0.3 * v), alpha=0.3), image),
            f(plain("ELU", "elu", lambda v: np.where(v > 0, v, 0.7 * np.expm1(v)), alpha=0.7),
              image),
            f(plain("ThresholdedReLU", "theta", lambda v: np.where(v > 1.5, v, 0), theta=1.5),
              image),
            f(prelu("slopes", (4, 3, 2), None), image), f(prelu("few", (1, 1, 2), [1, 2]), image)]
    outputs = each + [
        f(merge("Average", "average", lambda *v: sum(v) / 3), *each[:3]),
        f(merge("Maximum", "maximum", lambda *v: np.maximum.reduce(v)), *each[3:6]),
        f(merge("Minimum", "minimum", np.minimum), *each[6:])]
    write("rectifiers", f.config(*outputs), weights_of(l for l in f.layers if l.weights), [x],
          [f.values[o] for o in outputs])


def make_channels_first():
    m = Maker(6)
    x = m.draw(2, 3, 7, 6, scale=1).astype("f8")
    layers = [m.conv2d("conv", 4, (3, 3), 3, strides=(2, 2), padding="same", act="relu",
                       data_format="channels_first"),
              m.batch_norm("norm", 4, axis=1),
              pooling("MaxPooling2D", "pool", (2, 2), None, "valid", "channels_first"),
              flatten("flatten", "channels_first"),
              m.dense("dense", 3, 8)]
    write_sequential("channels_first", layers, x, images=lambda v: v)


def make_sequence():
    m = Maker(7)
    x = m.draw(2, 9, 3, scale=1).astype("f8")
    layers = [m.conv1d("causal", 4, 3, 3, padding="causal", dilation=2),
              m.conv1d("same", 5, 2, 4, stride=2, padding="same"),
              plain("MaxPooling1D", "pool", lambda v: np.stack(
                  [v[:, i:i + 2].max(1) for i in range(0, v.shape[1] - 1, 2)], 1),
                  pool_size=[2], strides=[2], padding="valid", data_format="channels_last"),
              plain("GlobalAveragePooling1D", "mean", lambda v: v.mean(1),
                    data_format="channels_last"),
              m.dense("dense", 2, 5)]
    write_sequential("sequence", layers, x)


def make_nested():
    """A network inside a network, called twice, and a layer that is shared."""
    m = Maker(8)
    a, b = (m.draw(2, 4, 4, 2, scale=1).astype("f8") for _ in range(2))
    inner_layers = [m.conv2d("conv", 3, (3, 3), 2, act="relu"), flatten("flatten"),
                    m.dense("project", 4, 12)]
    inner = Functional()
    at = inner.input("inner_input", [4, 4, 2], a)
    for layer in inner_layers:
        at = inner(layer, at)
    encoder = Layer("Functional", "encoder", {}, [], lambda v: run(inner_layers, v))
    encoder.config = inner.config(at, name="encoder")["config"]
    # Keras lists the weights of a nested network in one group, under the names of its layers.
    encoder.weights = [(f"{layer.name}/{kind}", w) for layer in inner_layers
                       for kind, w in layer.weights]
    f = Functional("Model")
    left, right = f.input("left", [4, 4, 2], a), f.input("right", [4, 4, 2], b)
    codes = [f(encoder, left), f(encoder, right)]
    shared = m.dense("shared", 3, 4, act="tanh")
    both = [f(shared, codes[0]), f(shared, codes[1])]
    joined = f(merge("Concatenate", "joined", lambda *v: np.concatenate(v, -1), axis=-1), *both)
    out = f(m.dense("out", 2, 6), joined)
    config = f.config(out)
    for description in config["config"]["layers"]:  # a nested network's own input was call 0
        for node in description["inbound_nodes"]:
            for reference in node:
                if reference[0] == "encoder":
                    reference[1] += 1
    write("nested", config, weights_of(f.layers), [a, b], [f.values[out]], version="2.7.0")


def make_weights():
    m = Maker(9)
    layers = [m.conv2d("conv", 2, (3, 3), 1), act("relu", "relu"), m.dense("dense", 3, 4)]
    with h5py.File(os.path.join(FOLDER, "weights.h5"), "w") as f:
        f.attrs["keras_version"] = np.bytes_("2.3.1")
        write_weights(f, weights_of(layers), split=2)


def make_tiny():
    """The smallest whole model, in both of HDF5's formats: damaged byte by byte in the tests."""
    m = Maker(10)
    for name, latest in (("tiny", False), ("tiny_latest", True)):
        layers = [m.dense("d", 1, 2)]
        layers[0].config = dict(units=1, activation="relu", use_bias=True)
        config = {"class_name": "Sequential", "config": [
            {"class_name": "Dense", "config": dict(layers[0].config, name="d",
                                                   batch_input_shape=[None, 2])}]}
        write(name, config, weights_of(layers), [], [], latest=latest, text=np.bytes_,
              compact=latest)


# --- hostile files ----------------------------------------------------------------------------

def hostile(name, config, fill=None, weights=(), **attributes):
    with h5py.File(os.path.join(CORPUS, name + ".h5"), "w", libver="latest") as f:
        text = config if isinstance(config, str) else json.dumps(config, separators=(",", ":"))
        f.attrs["model_config"] = np.bytes_(text)
        for key, value in attributes.items():
            f.attrs[key] = value
        group = f.create_group("model_weights")
        write_weights(group, list(weights))
        if fill:
            fill(group)


def dense_config(units=1, inputs=2, name="d", **more):
    config = dict(name=name, units=units, batch_input_shape=[None, inputs], **more)
    return {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": config}]}


def doubling_network(levels):
    """Each level calls the one below twice: 2^levels layers from a short file."""
    layer, name = {"class_name": "Activation", "name": "a", "config": {"name": "a"}}, "a"
    for level in range(levels):
        layer["inbound_nodes"] = [[["i", 0, 0, {}]], [[name, 0 if level == 0 else 1, 0, {}]]]
        inner = {"name": f"n{level}", "layers": [input_layer("i", [1]), layer],
                 "input_layers": [["i", 0, 0]], "output_layers": [[name, 1 if level == 0 else 2, 0]]}
        name = f"n{level}"
        layer = {"class_name": "Model", "name": name, "config": inner}
    return {"class_name": "Model", "config": layer["config"]}


def make_corpus():
    os.makedirs(CORPUS, exist_ok=True)

    def never_written(group):
        own = group.create_group("d")
        own.attrs["weight_names"] = fixed(["d/kernel:0"])
        own.create_dataset("d/kernel:0", shape=(1 << 20, 1 << 20), dtype="f4")
    hostile("terabytes_never_written", dense_config(1 << 20, 1 << 20, use_bias=False),
            never_written)

    def compressed(group):
        own = group.create_group("d")
        own.attrs["weight_names"] = fixed(["d/kernel:0"])
        own.create_dataset("d/kernel:0", shape=(1 << 15, 1 << 15), dtype="f4",
                           chunks=(1 << 10, 1 << 10), compression="gzip")
    hostile("gigabytes_in_chunks", dense_config(1 << 15, 1 << 15, use_bias=False), compressed)
    hostile("doubling", doubling_network(18))
    hostile("no_json", "{\"class_name\":")
    hostile("deep_json", "[" * 5000)
    hostile("name_with_escapes", dense_config(name="\x1b[2J\nd"))
    hostile("huge_numbers", dense_config(units=10 ** 30))
    hostile("fractions", dense_config(units=1.5))
    hostile("wrong_types", {"class_name": "Sequential", "config": {"layers": [{
        "class_name": "Dense", "config": [1, 2, 3], "name": "d"}]}})
    hostile("names_without_arrays", dense_config(), lambda group: group.create_group("d").attrs.
            __setitem__("weight_names", fixed(["d/kernel:0", "../../d"])))
    hostile("integers_for_weights", dense_config(use_bias=False),
            weights=[("d", [("kernel", np.zeros((2, 1), "i4"))])])
    hostile("two_of_a_name", {"class_name": "Sequential", "config":
                              dense_config()["config"] + dense_config()["config"]})
    hostile("weights_listed_endlessly", dense_config(), layer_names=np.zeros(0))
    hostile("windows_of_nothing", {"class_name": "Sequential", "config": [
        {"class_name": "MaxPooling2D", "config": dict(
            name="p", pool_size=[2147483648, 1], strides=[1, 1], padding="same",
            batch_input_shape=[None, 2147483648, 2147483648, 2147483648])},
        {"class_name": "Flatten", "config": dict(name="f")}]})


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in (make_sequential, make_functional, make_separable, make_shapes, make_activations,
                 make_rectifiers, make_channels_first, make_sequence, make_nested, make_weights, make_tiny,
                 make_corpus):
        make()
    for folder in (FOLDER, CORPUS):
        for file in sorted(os.listdir(folder)):
            print(f"{os.path.getsize(os.path.join(folder, file)):6}  {file}")

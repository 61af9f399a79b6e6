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

from keras_layers import (Layer, Maker, act, activation, flatten, merge, permute, plain, pool, pooling,
                          reshape, zero_padding)

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "fixtures")
CORPUS = os.path.join(HERE, "corpus")


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

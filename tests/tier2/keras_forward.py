# SPDX-License-Identifier: Apache-2.0
"""Holds what the runtime makes of a Keras HDF5 file against NumPy in float64: weights by h5py,
layers by the definitions in tests/formats/keras/keras_layers.py, images in Keras's own order.

usage: keras_forward.py MODEL.h5 INPUT.npy OUTPUT.npy
INPUT is what pare-infer got (images channels first), OUTPUT what it answered.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../formats/keras"))
import keras_layers as keras  # noqa: E402


def weights_of(file, layer):
    group = file["model_weights"][layer]
    names = [n.decode() for n in group.attrs["weight_names"]]
    return {n.split("/")[-1].split(":")[0]: np.asarray(group[n], "f8") for n in names}


def compute(kind, config, w, x):
    if kind == "InputLayer":
        return x
    if kind == "Conv2D":
        y = keras.convolve(x[0], w["kernel"], w.get("bias"), config["strides"],
                           config["dilation_rate"], config["padding"], config.get("groups", 1))
        return keras.activation(config["activation"], y)
    if kind == "Dense":
        return keras.activation(config["activation"], x[0] @ w["kernel"] + w.get("bias", 0))
    if kind == "BatchNormalization":  # over the last axis
        y = (x[0] - w["moving_mean"]) / np.sqrt(w["moving_variance"] + config["epsilon"])
        return y * w["gamma"] + w["beta"]
    if kind == "Activation":
        return keras.activation(config["activation"], x[0])
    if kind == "Add":
        return sum(x)
    if kind == "AveragePooling2D":
        return keras.pool(x[0], config["pool_size"], config["strides"], config["padding"], np.mean)
    if kind == "Flatten":
        return x[0].reshape(len(x[0]), -1)
    raise ValueError(f"no reference for {kind}")


def forward(file, x):
    description = json.loads(file.attrs["model_config"])["config"]
    values = {}
    for layer in description["layers"]:
        name = layer["name"]
        sources = [r[0] for node in layer["inbound_nodes"] for r in node]
        values[name] = compute(layer["class_name"], layer["config"], weights_of(file, name),
                               [values[s] for s in sources] or x)
    return values[description["output_layers"][0][0]]


def main():
    x, y = np.load(sys.argv[2]).astype("f8"), np.load(sys.argv[3]).astype("f8")
    with h5py.File(sys.argv[1], "r") as file:
        expected = forward(file, np.moveaxis(x, 1, -1) if x.ndim == 4 else x)
    # Rounding of f32 over ten layers of sums of at most 640 terms stays below 640 * 2^-24 = 4e-5
    # of the largest output.
    worst = np.abs(y - expected).max() / np.abs(expected).max()
    assert y.shape == expected.shape and worst < 4e-5, (y.shape, expected.shape, worst)
    print(f"largest difference {worst:.1e} of the largest output")


if __name__ == "__main__":
    main()

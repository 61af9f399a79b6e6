# SPDX-License-Identifier: Apache-2.0
# The test split of a data set, preprocessed as a model states, for other runtimes. IDX files, or an
# image folder test/CLASS/IMAGE (decoded by Pillow, classes in alphabetical order).
# usage: items.py PARE MODEL FOLDER ITEMS.npy LABELS.npy
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

pare, model, folder, items, labels = sys.argv[1:]


def idx(name, start):
    with gzip.open(f"{folder}/{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=start)


def idx_split(size):
    return (idx("t10k-images-idx3-ubyte", 16).reshape(-1, *size),
            idx("t10k-labels-idx1-ubyte", 8))


def image_split(root, size):
    from PIL import Image
    classes = sorted(c for c in root.iterdir() if c.is_dir())
    files = [(file, label) for label, c in enumerate(classes) for file in sorted(c.iterdir())]
    images = np.stack([np.asarray(Image.open(file).convert("RGB")) for file, _ in files])
    raw = images.transpose(0, 3, 1, 2)
    assert list(raw.shape[1:]) == size, (raw.shape, size)
    return raw, np.array([label for _, label in files], np.uint8)


stated = json.loads(subprocess.check_output([pare, "inspect", model, "--json"]))["preprocessing"]
images = Path(folder) / "test"
raw, truth = image_split(images, stated["size"]) if images.is_dir() else idx_split(stated["size"])
mean, std = (np.array(stated.get(key) or [default], "f4").reshape(1, -1, 1, 1)
             for key, default in (("mean", 0), ("std", 1)))
np.save(items, ((raw.astype("f4") * np.float32(stated["input_scale"]) - mean) / std).astype("f4"))
np.save(labels, truth)

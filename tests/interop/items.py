# SPDX-License-Identifier: Apache-2.0
# The test split of an IDX data set, preprocessed as a model states, for other runtimes.
# usage: items.py PARE MODEL FOLDER ITEMS.npy LABELS.npy
import gzip
import json
import subprocess
import sys

import numpy as np

pare, model, folder, items, labels = sys.argv[1:]


def idx(name, start):
    with gzip.open(f"{folder}/{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=start)


stated = json.loads(subprocess.check_output([pare, "inspect", model, "--json"]))["preprocessing"]
raw = idx("t10k-images-idx3-ubyte", 16).reshape(-1, *stated["size"]).astype("f4")
mean, std = (np.array(stated[key], "f4").reshape(1, -1, 1, 1) for key in ("mean", "std"))
np.save(items, ((raw * np.float32(stated["input_scale"]) - mean) / std).astype("f4"))
np.save(labels, idx("t10k-labels-idx1-ubyte", 8))

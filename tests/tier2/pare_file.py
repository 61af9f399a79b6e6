# SPDX-License-Identifier: Apache-2.0
"""Reads a .pare file with h5py alone, from docs/format.md: what another program would do."""
import hashlib
import json

import h5py
import numpy as np

DTYPES = {"f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "i16": "<i2", "i8": "i1",
          "u8": "u1", "bool": "u1"}


class Model:
    def __init__(self, path):
        with h5py.File(path, "r") as file:
            if file.attrs["pare_format"] != 1:
                raise ValueError(f"{path}: unknown format")
            self._small = bytes(file["small"][()]) if "small" in file else b""
            self.index = json.loads(bytes(file["index"][()]))
            self.graphs = self._text(file, "graphs")
            self.metadata = self._text(file, "metadata")
            self.tensors = {t["name"]: self._tensor(file, t) for t in self.index["tensors"]}
            self.entries = {t["name"]: t for t in self.index["tensors"]}

    def _text(self, file, name):
        raw = bytes(file[name][()])
        self._check(raw, self.index[name], name)
        return json.loads(raw)

    def _tensor(self, file, entry):
        parts = {}
        for part in entry["parts"]:
            dims = part.get("dims", entry["dims"])
            count = int(np.prod(dims, dtype=np.int64))
            nibbles = part["dtype"] in ("i4", "u4")
            size = (count + 1) // 2 if nibbles else count * np.dtype(DTYPES[part["dtype"]]).itemsize
            at = part["at"]
            raw = (self._small[at:at + size] if isinstance(at, int)
                   else np.ascontiguousarray(file[at][()]).tobytes())
            self._check(raw, part["sha256"], entry["name"])
            if nibbles:
                packed = np.frombuffer(raw, "u1")
                codes = np.stack([packed & 15, packed >> 4], 1).reshape(-1)[:count].astype(np.int8)
                if part["dtype"] == "i4":
                    codes = np.where(codes > 7, codes - 16, codes).astype(np.int8)
                parts[part.get("part", "values")] = codes.reshape(dims)
            else:
                parts[part.get("part", "values")] = np.frombuffer(
                    raw, DTYPES[part["dtype"]]).reshape(dims)
        return parts

    @staticmethod
    def _check(raw, digest, name):
        if hashlib.sha256(raw).hexdigest()[:32] != digest:
            raise ValueError(f"{name}: contents do not match their hash")

    def plain(self, name):
        """Values of a tensor that is not quantized."""
        parts = self.tensors[name]
        return parts["values"] if "values" in parts else self.codes(name)

    def codes(self, name):
        """Codes (values, when only sparse) with the elements that a bitmask leaves out as 0."""
        entry, parts = self.entries[name], self.tensors[name]
        codes = parts["codes"]
        if "mask" not in parts:
            return codes.reshape(entry["dims"])
        count = int(np.prod(entry["dims"]))
        stored = np.unpackbits(parts["mask"], bitorder="little")[:count].astype(bool)
        dense = np.zeros(count, codes.dtype)
        dense[stored] = codes
        return dense.reshape(entry["dims"])

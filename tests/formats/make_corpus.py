#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes hostile files of at most 1 KB in */corpus (run by hand; needs h5py): each would make a
# trusting reader allocate, recurse, loop or execute. onnx/make_corpus.py has those of ONNX.
import json
import os
import struct
import zlib

import h5py
import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def save(path, content):
    assert len(content) <= 1024, (path, len(content))
    with open(path, "wb") as f:
        f.write(content)


# --- zip archives, put together by hand so that their fields can lie ---


class Zip:
    def __init__(self):
        self.body, self.directory, self.count = b"", b"", 0

    def add(self, name, content, deflate=False, size=None, at=None):
        name = name.encode()
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        stored = compressor.compress(content) + compressor.flush() if deflate else content
        size = len(content) if size is None else size
        wide = size > 0xFFFFFFFE
        extra = struct.pack("<HHQ", 1, 8, size) if wide else b""
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8 if deflate else 0, 0, 0x21,
                             zlib.crc32(content), len(stored), 0xFFFFFFFF if wide else size,
                             len(name), len(extra))
        if at is None:
            at = len(self.body)
            self.body += b"PK\3\4" + fields[:-2] + b"\0\0" + name + stored
        self.directory += (b"PK\1\2" + struct.pack("<H", 20) + fields +
                           struct.pack("<HHHII", 0, 0, 0, 0, at) + name + extra)
        self.count += 1
        return self

    def bytes(self, count=None):
        count = self.count if count is None else count
        end = struct.pack("<HHHHIIH", 0, 0, count, count, len(self.directory), len(self.body), 0)
        return self.body + self.directory + b"PK\5\6" + end


def npy(descr, shape, content, order="False"):
    text = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + content


def npz_files():
    def one(name, array, **how):
        save("npz/corpus/%s.npz" % name, Zip().add("w.npy", array, **how).bytes())

    one("valid", npy("<f4", "(2, 3)", np.arange(6, dtype="<f4").tobytes()))
    one("valid_fortran", npy(">f8", "(2, 3)", np.arange(6, dtype=">f8").tobytes(), "True"))
    # 800 KB in 1 KB: as much as deflate can do, and more than any reader needs to keep twice.
    one("deflated_zeros", npy("<f8", "(100000,)", bytes(800000)), deflate=True)
    one("declares_4_gigabytes", npy("<f4", "(4,)", bytes(16)), deflate=True, size=0xFFFFFFF0)
    one("declares_terabytes", npy("<f4", "(4,)", bytes(16)), deflate=True, size=1 << 44)
    one("shape_of_terabytes", npy("<f4", "(%d,)" % (1 << 40), bytes(16)))
    one("shape_overflows", npy("<f4", "(%d, %d)" % (1 << 62, 4), bytes(16)))
    one("shape_of_nothing", npy("<f4", "(0, %d)" % (1 << 62), b""))
    one("rank_33", npy("<f4", "(" + "1, " * 33 + ")", bytes(4)))
    one("wide_text", npy("<U65536", "(%d,)" % (1 << 40), b""))
    one("header_size", b"\x93NUMPY\2\0\xff\xff\xff\x7f{}")
    member = npy("<f4", "(4,)", bytes(16))
    save("npz/corpus/more_members.npz", Zip().add("w.npy", member).bytes(65534))
    same = Zip().add("a.npy", member)
    for name in "bcdef":
        same.add(name + ".npy", member, at=0)
    save("npz/corpus/one_member_many_names.npz", same.bytes())
    # Two nibbles a code, to a shape that the codes do not have.
    packed = Zip().add("w.weight_packed.npy", npy("<i4", "(1, 1)", bytes(4)))
    packed.add("w.weight_scale.npy", npy("<f4", "(1,)", bytes(4)))
    packed.add("w.weight_shape.npy", npy("<i8", "(2,)", struct.pack("<qq", 1 << 31, 1 << 31)))
    save("npz/corpus/packed_shape.npz", packed.bytes())


# --- pickles: opcodes by hand ---


def text(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


PROTO = b"\x80\x02"
MAGIC = PROTO + b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
STORAGE = b"((" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")


def tensor(dims, strides, elements=4):
    tuples = [b"(" + b"".join(map(number, d)) + b"t" for d in (dims, strides)]
    return (b"ctorch._utils\n_rebuild_tensor_v2\n" + STORAGE + number(elements) + b"tQ" +
            number(0) + tuples[0] + tuples[1] + b"\x89}tR")


def legacy(pickle, elements=4):
    header = MAGIC + PROTO + b"M\xe9\x03." + PROTO + b"}(" + text("little_endian") + b"\x88u."
    keys = PROTO + b"](" + text("0") + b"e."
    return header + PROTO + pickle + b"." + keys + struct.pack("<q", elements) + bytes(4 * elements)


def saved(pickle, data=bytes(16), **how):
    return Zip().add("m/data.pkl", PROTO + pickle + b".").add("m/data/0", data, **how).bytes()


def pytorch_files():
    def both(name, pickle):
        save("pytorch/corpus/%s_legacy.pt" % name, legacy(pickle))
        save("pytorch/corpus/%s_zip.pt" % name, saved(pickle))

    both("valid", b"}" + text("w") + tensor([2, 2], [2, 1]) + b"s")
    both("expanded_terabytes", b"}" + text("w") + tensor([1 << 20, 1 << 20], [0, 0]) + b"s")
    each = b"".join(text("w%d" % i) + tensor([6000000], [0]) + b"s" for i in range(3))
    save("pytorch/corpus/expanded_thrice.pt", legacy(b"}" + each))
    both("shape_overflows", b"}" + text("w") + tensor([1 << 62, 8], [0, 0]) + b"s")
    both("strides_overflow", b"}" + text("w") + tensor([3, 3], [1 << 62, 1 << 62]) + b"s")
    both("eval", b"cbuiltins\neval\n" + text("1") + b"\x85R")
    both("os_system", b"cos\nsystem\n" + text("id") + b"\x85R")
    both("nested_subprocess", b"}" + text("state_dict") + b"}" + text("w") +
         text("subprocess") + text("Popen") + b"\x93" + text("id") + b"\x85Rss")
    both("many_elements", b"}" + text("w") + tensor([4], [1], 1 << 60) + b"s")
    save("pytorch/corpus/doubling.pt", legacy(b"}" + text("w") + b"]" + b"2\x86" * 300 + b"s"))
    pairs = b"ccollections\nOrderedDict\n" + b"]" + b"K\1K\2\x86a" * 30 + b"q\1\x85R"
    again = b"0ccollections\nOrderedDict\nh\1\x85R" * 12
    save("pytorch/corpus/doubling_dicts.pt", legacy(pairs + again))
    save("pytorch/corpus/deep_lists.pt", legacy(b"}" + text("w") + b"]" * 400 + b"a" * 399 + b"s"))
    save("pytorch/corpus/marks.pt", PROTO + b"(" * 1000 + b".")
    save("pytorch/corpus/text_of_exabytes.pt", PROTO + b"\x8d" + b"\xff" * 8 + b".")
    save("pytorch/corpus/long_of_gigabytes.pt", PROTO + b"\x8b\xff\xff\xff\x7f.")
    zeros = b"}" + text("w") + tensor([150000], [1], 150000) + b"s"
    save("pytorch/corpus/deflated_storage.pt", saved(zeros, bytes(600000), deflate=True))
    save("pytorch/corpus/deflated_pickle.pt",
         Zip().add("m/data.pkl", PROTO + b"]" + b"]a" * 300000 + b".", deflate=True).bytes())


def safetensors_files():
    def one(name, header, data=b"", size=None):
        if not isinstance(header, bytes):
            header = json.dumps(header, separators=(",", ":")).encode()
        size = len(header) if size is None else size
        save("safetensors/corpus/%s.safetensors" % name, struct.pack("<Q", size) + header + data)

    def entry(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    one("valid", {"__metadata__": {"format": "pt"}, "w": entry("F32", [2, 2], 0, 16)}, bytes(16))
    one("header_of_exabytes", b"{}", size=1 << 62)
    one("header_of_100_megabytes", b"{}", size=100000000)
    one("shape_overflows", {"w": entry("F32", [1 << 62, 1 << 62], 0, 16)}, bytes(16))
    one("shape_of_nothing", {"w": entry("F32", [0, 1 << 62], 0, 0)})
    one("offsets_of_exabytes", {"w": entry("U8", [1 << 62], 0, 1 << 62)})
    one("deep_json", b'{"w":' + b"[" * 900 + b"]" * 100)
    one("deep_objects", b'{"a":' * 190)
    nested = "[" * 200 + "]" * 200
    one("deep_config", {"__metadata__": {"quantization_config": nested, "pare": nested}})
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {
        "g": {"targets": ["Linear"], "weights": {
            "num_bits": 4, "type": "int", "symmetric": True, "strategy": "group",
            "group_size": 1 << 40}}}}
    packed = {"__metadata__": {"quantization_config": json.dumps(config)},
              "w.weight_packed": entry("I32", [1, 1], 0, 4),
              "w.weight_scale": entry("F32", [1, 1], 4, 8),
              "w.weight_shape": entry("I64", [2], 8, 24)}
    for name, dims in (("packed_zero", (0, 1 << 62)), ("packed_groups", (1, 8)),
                       ("packed_terabytes", (1 << 20, 1 << 20))):
        one(name, packed, bytes(8) + struct.pack("<qq", *dims))
    index = {"weight_map": {"w": "../../../etc/passwd", "v": "/etc/passwd"}}
    save("safetensors/corpus/index_outside.safetensors", json.dumps(index).encode())


# --- .pare: what libhdf5 has to decode before anything can be checked ---


def pare_files():
    def one(name, make):
        path = "pare/corpus/%s.pare" % name
        with h5py.File(path, "w", libver="latest") as f:
            f.attrs["pare_format"] = 1
            make(f)
        assert os.path.getsize(path) <= 2560, path  # libhdf5 allocates in blocks of 2 KB

    one("gigabyte_never_written", lambda f: f.create_dataset(
        "index", (1 << 30,), "u1", chunks=(1 << 20,), compression=9))
    one("chunk_of_gigabytes", lambda f: f.create_dataset(
        "index", (3 << 30,), "u1", chunks=(3 << 30,), compression=9))
    one("chunk_of_64_megabytes", lambda f: f.create_dataset(
        "index", (1 << 26,), "u1", chunks=(1 << 26,), compression=9))
    one("many_dims", lambda f: f.create_dataset("index", (1 << 20, 1 << 20, 1 << 20), "u1",
                                                chunks=(1, 1, 1 << 20)))
    one("text_wide", lambda f: f.create_dataset("index", (1 << 20,), "S65000", chunks=(1,)))

    def deflated(f):
        # 64 MiB of zeros, deflated four times: a few hundred bytes.
        space = h5py.h5s.create_simple((1 << 26,))
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((1 << 26,))
        for _ in range(4):
            plan.set_deflate(9)
        h5py.h5d.create(f.id, b"index", h5py.h5t.NATIVE_UINT8, space, plan)
        chunk = bytes(1 << 26)
        for _ in range(4):
            chunk = zlib.compress(chunk, 9)
        f["index"].id.write_direct_chunk((0,), chunk)

    one("deflated_again_and_again", deflated)


for folder in ("npz", "pytorch", "safetensors", "pare"):
    os.makedirs(folder + "/corpus", exist_ok=True)
npz_files()
pytorch_files()
safetensors_files()
pare_files()

# SPDX-License-Identifier: Apache-2.0
"""PyTorch writes weights that pare reads to equal values, and reads what pare writes.

usage: pytorch_weights.py PARE FOLDER     (FOLDER is filled)
"""
import collections
import os
import pickle
import subprocess
import sys

import numpy as np
import torch

pare, folder = sys.argv[1], sys.argv[2]


def convert(source, target):
    done = subprocess.run([pare, "convert", source, "-o", target, "-q"], capture_output=True, text=True)
    return done.returncode, done.stderr


def values(tensor):
    tensor = tensor.detach()
    return tensor.float().numpy() if tensor.dtype in (torch.bfloat16, torch.float64) else tensor.numpy()


def equal(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


generator = torch.Generator().manual_seed(3)
base = torch.randn(4, 5, 6, generator=generator)
tensors = collections.OrderedDict(
    contiguous=base,
    transposed=base.transpose(0, 2),
    permuted=base.permute(1, 0, 2),
    strided=base[1:, ::2, 1::3],
    shared=base[2],
    expanded=base[:1, :1, :].expand(3, 2, 6),
    channels_last=torch.randn(2, 3, 4, 5, generator=generator).to(memory_format=torch.channels_last),
    half=torch.randn(7, generator=generator).half(),
    bfloat16=torch.randn(7, generator=generator).bfloat16(),
    double=torch.randn(3, 3, generator=generator).double(),
    integers=torch.arange(-3, 9, dtype=torch.int64).view(3, 4).t(),
    int8=torch.tensor([-128, 127], dtype=torch.int8),
    mask=torch.tensor([[True, False], [False, True]]),
    scalar=torch.tensor(2.5),
    empty=torch.zeros(0, 4),
    parameter=torch.nn.Parameter(torch.randn(3, generator=generator)),
)
module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.LSTM(4, 5))
written = {
    "plain.pt": tensors,
    "module.pt": module.state_dict(),
    "checkpoint.pt": {"epoch": 7, "model": {"module." + k: v for k, v in tensors.items()},
                      "optimizer": torch.optim.Adam(module.parameters()).state_dict(), "best": 0.5},
}
wanted = {"plain.pt": tensors, "module.pt": module.state_dict(), "checkpoint.pt": tensors}
checked = 0
for name, content in written.items():
    for legacy in (False, True):
        path = os.path.join(folder, ("legacy-" if legacy else "") + name)
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
        code, error = convert(path, path + ".npz")
        assert code == 0, (path, error)
        arrays = np.load(path + ".npz")
        assert set(arrays.files) - {"__pare__"} == set(wanted[name]), path
        for key, tensor in wanted[name].items():
            assert equal(arrays[key], values(tensor)), (path, key)
            checked += 1
        code, error = convert(path, path + ".back.pt")
        assert code == 0, (path, error)
        back = torch.load(path + ".back.pt", weights_only=True)
        assert list(back) == list(wanted[name]), path
        for key, tensor in wanted[name].items():
            expected = tensor.float() if tensor.dtype == torch.float64 else tensor.detach()
            assert back[key].dtype == expected.dtype and torch.equal(back[key], expected), (path, key)
            checked += 1
module.load_state_dict(torch.load(os.path.join(folder, "module.pt.back.pt")))


class Evil:
    def __reduce__(self):
        return os.system, ("touch " + os.path.join(folder, "executed"),)


refused = 0
for name, save in {
    "zip": lambda path: torch.save({"w": Evil()}, path),
    "legacy": lambda path: torch.save({"w": Evil()}, path, _use_new_zipfile_serialization=False),
    "bare": lambda path: pickle.dump(Evil(), open(path, "wb"), protocol=2),
    "bare4": lambda path: pickle.dump(Evil(), open(path, "wb"), protocol=4),
}.items():
    path = os.path.join(folder, f"evil-{name}.pt")
    save(path)
    code, error = convert(path, path + ".npz")
    assert code == 1 and "refuses to load posix.system" in error and error.count("\n") == 1, (name, error)
    refused += 1
assert not os.path.exists(os.path.join(folder, "executed"))
print(f"{checked} tensors equal in both directions, {refused} malicious pickles refused by name")

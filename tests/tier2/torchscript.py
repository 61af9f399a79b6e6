# SPDX-License-Identifier: Apache-2.0
"""PyTorch writes modules, scripted, traced and frozen; pare reads them; both run them.

usage: torchscript.py BIN FOLDER             networks written here
       torchscript.py BIN FOLDER SILERO      silero-vad's three files, frame by frame

All outputs agree within 1e-5 of the largest value.
"""

import copy
import json
import os
import struct
import subprocess
import sys

import numpy
import torch
from torch import nn
from torch.nn import functional

LIMIT = 1e-5


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = None
        if stride != 1:
            conv = nn.Conv2d(before, after, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.shortcut is not None:
            x = self.shortcut(x)
        y += x
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layers = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.average = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, 10)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_(0, 0.3)
                norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.layers(self.pool(self.relu(self.bn(self.conv(x)))))
        return self.fc(torch.flatten(self.average(x), 1))


class Mobile(nn.Module):
    """Depthwise convolutions, hard activations, squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.expand = nn.Conv2d(3, 24, 1)
        self.depthwise = nn.Conv2d(24, 24, 3, 2, 1, groups=24)
        self.squeeze = nn.Linear(24, 6)
        self.excite = nn.Linear(6, 24)
        self.project = nn.Conv2d(24, 8, 1)

    def forward(self, x):
        x = functional.hardswish(self.depthwise(functional.relu6(self.expand(x))))
        s = functional.relu(self.squeeze(x.mean([2, 3])))
        x = x * functional.hardsigmoid(self.excite(s)).unsqueeze(-1).unsqueeze(-1)
        x = functional.interpolate(self.project(x), scale_factor=2.0, mode="bilinear",
                                   align_corners=False)
        return functional.avg_pool2d(x, 2), x.argmax(1), functional.softplus(x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.up = nn.Linear(16, 32)
        self.down = nn.Linear(32, 16)

    def forward(self, x):
        batch, time, width = x.shape
        parts = self.qkv(self.norm(x)).view(batch, time, 3, 4, 4).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        mixed = torch.softmax(q @ k.transpose(-2, -1) * 0.5, -1) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        return x + self.down(functional.gelu(self.up(x)))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 12)
        self.rnn = nn.LSTM(12, 7, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(14, 5, batch_first=True)
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        y, _ = self.rnn(self.embedding(x))
        y, last = self.gru(y)
        return functional.log_softmax(self.out(y), -1), last


class Sound(nn.Module):
    """Everything that is left: odd paddings, parts, reductions."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 4, padding="same", dilation=2)
        self.up = nn.ConvTranspose1d(6, 4, 3, stride=2, output_padding=1)
        self.slope = nn.PReLU(6)
        self.norm = nn.GroupNorm(2, 6)

    def forward(self, x):
        y = self.norm(self.slope(self.conv(x)))
        first, second = torch.split(y, [2, 4], 1)
        z = torch.cat([first, second[:, ::2], second.flip(1)], 1)
        z = functional.pad(z, [1, 2], "reflect")
        largest, where = z.max(1)
        spread = z.std(-1)
        spread *= 2
        stacked = torch.stack([largest, largest.clamp(-0.5, 0.5)], 0).transpose(0, 1)
        masked = z.masked_fill(z > 1, 0.0)
        return self.up(y), where, spread, stacked, masked, torch.where(z < 0, z.exp(), z.sqrt())


def run(command, **options):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


def convert(bin_folder, source, target, *flags):
    run([bin_folder + "/pare", "convert", source, "-o", target, "-q", *flags])


def infer(bin_folder, model, inputs, folder):
    """Outputs by name."""
    numpy.savez(folder + "/in.npz", **inputs)
    run([bin_folder + "/pare-infer", model, "--input", folder + "/in.npz", "--output",
         folder + "/out.npz"])
    return dict(numpy.load(folder + "/out.npz"))


def difference(ours, theirs):
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    assert numpy.isnan(ours).sum() == numpy.isnan(theirs).sum()
    largest = max(numpy.nanmax(numpy.abs(theirs)), 1e-30)
    return numpy.nanmax(numpy.abs(ours.astype("f8") - theirs)) / largest


def compare(bin_folder, folder, name, module, x):
    forms = {"scripted": torch.jit.script(copy.deepcopy(module)),
             "traced": torch.jit.trace(copy.deepcopy(module), x),
             "frozen": torch.jit.freeze(torch.jit.script(copy.deepcopy(module)))}
    with torch.no_grad():
        theirs = module(x)
    theirs = [theirs] if torch.is_tensor(theirs) else list(theirs)
    worst = 0
    for form, scripted in forms.items():
        path = f"{folder}/{name}.{form}.pt"
        scripted.save(path)
        dtype = "i64:" if x.dtype == torch.int64 else ""
        convert(bin_folder, path, path + ".pare", "--input-shape",
                dtype + ",".join(str(size) for size in x.shape))
        outputs = infer(bin_folder, path + ".pare", {"x": x.numpy()}, folder)
        for i, their in enumerate(theirs):
            ours = outputs["output" + (str(i) if i else "")]
            worst = max(worst, difference(ours, their.detach().numpy()))
    print(f"{name}: {worst:.1e}")
    assert worst <= LIMIT, name
    return worst


def networks(bin_folder, folder):
    torch.manual_seed(5)
    cases = [("resnet", ResNet(), torch.randn(2, 3, 64, 64)),
             ("mobile", Mobile(), torch.randn(2, 3, 16, 16)),
             ("attention", Attention(), torch.randn(2, 9, 16)),
             ("words", Words(), torch.randint(0, 50, (3, 11))),
             ("sound", Sound(), torch.randn(2, 4, 21))]
    worst = max(compare(bin_folder, folder, name, module.eval(), x) for name, module, x in cases)
    print(f"{3 * len(cases)} modules, largest difference {worst:.1e}")


def silero(bin_folder, folder, models):
    """The ONNX file's frame is the module's context and frame in one. The safetensors file is another
    checkpoint (its convolutions differ by up to 18, correlation 0.9 to 0.99): joined to either graph
    it must give what PyTorch makes of the module with those weights."""
    module = torch.jit.load(models + "/silero_vad.jit").eval()
    convert(bin_folder, models + "/silero_vad.jit", folder + "/vad-jit.pare",
            "--input-shape", "x=1,512", "--bind", "sr=16000")
    convert(bin_folder, models + "/silero_vad_16k_op15.onnx", folder + "/vad-onnx.pare",
            "--bind", "sequence=576", "--bind", "batch=1")
    worst = frames(bin_folder, folder, module, "vad-jit.pare", "vad-onnx.pare")
    for graph in ("vad-jit", "vad-onnx"):
        convert(bin_folder, models + "/silero_vad_16k.safetensors", f"{folder}/{graph}-st.pare",
                "--graph", f"{folder}/{graph}.pare")
    take_weights(module, models + "/silero_vad_16k.safetensors")
    other = frames(bin_folder, folder, module, "vad-jit-st.pare", "vad-onnx-st.pare")
    print(f"8 frames, TorchScript and ONNX: {worst[0]:.1e} from PyTorch, {worst[1]:.1e} apart; "
          f"with the safetensors file's weights: {other[0]:.1e}, {other[1]:.1e}")


def take_weights(module, path):
    """Those of the 16 kHz model, which the file holds in the same order."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    names = [name for name in module.state_dict() if name.startswith("_model.")]
    assert len(names) == len(header)
    module.reset_states()
    with torch.no_grad():
        for name, entry in zip(names, header.values()):
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
            module.state_dict()[name].copy_(torch.from_numpy(values.copy()))


def frames(bin_folder, folder, module, jit, onnx_model):
    """The largest differences of `jit` from the module and from `onnx_model`, over eight frames."""
    rng = numpy.random.default_rng(3)
    context, state = numpy.zeros((1, 64), "f4"), numpy.zeros((2, 1, 128), "f4")
    onnx_context, onnx_state = context, state
    worst_torch = worst_onnx = 0
    for frame in range(8):
        tone = numpy.sin(numpy.arange(512) * (0.02 + 0.01 * frame)) * 0.3
        x = (tone + rng.normal(0, 0.05, 512)).astype("f4")[None]
        ours = infer(bin_folder, f"{folder}/{jit}",
                     {"x": x, "_context": context, "_state": state}, folder)
        context, state = ours["_contextN"], ours["_stateN"]
        full = numpy.concatenate([onnx_context, x], 1)
        onnx = infer(bin_folder, f"{folder}/{onnx_model}",
                     {"input": full, "state": onnx_state, "sr": numpy.array(16000)}, folder)
        onnx_context, onnx_state = full[:, -64:], onnx["stateN"]
        with torch.no_grad():
            theirs = module(torch.from_numpy(x), 16000).numpy()
        worst_torch = max(worst_torch, difference(ours["output"], theirs))
        worst_onnx = max(worst_onnx, difference(ours["output"], onnx["output"]),
                         difference(state, onnx_state))
    assert worst_torch <= LIMIT and worst_onnx <= LIMIT, (worst_torch, worst_onnx)
    return worst_torch, worst_onnx


def main():
    bin_folder, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    if len(sys.argv) > 3:
        silero(bin_folder, folder, sys.argv[3])
    else:
        networks(bin_folder, folder)


if __name__ == "__main__":
    main()

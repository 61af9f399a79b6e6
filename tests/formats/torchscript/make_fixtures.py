# SPDX-License-Identifier: Apache-2.0
"""Writes the TorchScript modules of this folder, an input and what PyTorch 1.13 makes of it.

usage: /usr/bin/python3 make_fixtures.py        (PyTorch's random numbers decide the weights)
"""

import copy
import os
import sys
import zipfile
from typing import Tuple

import numpy
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))


class Residual(nn.Module):
    """Convolutions with batch norm, a shortcut written in place, two kinds of pooling."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.stem(x))))
        y = self.conv(x)
        y += x
        y = self.average(self.relu(y))
        return self.fc(y.view(y.size(0), -1))


class Stream(nn.Module):
    """Keeps the end of each frame and an LSTM's state; decides by a number and by sizes."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTMCell(6, 4)
        self.out = nn.Linear(4, 2)
        self.state = torch.zeros(0)
        self.context = torch.zeros(0)
        self.last_rate: int = 0

    def forward(self, x: torch.Tensor, rate: int):
        if x.dim() != 2:
            raise ValueError("two dimensions are expected")
        if self.last_rate != rate:
            self.state = torch.zeros(0)
            self.context = torch.zeros(0)
        if not len(self.context):
            self.context = torch.zeros(x.size(0), 2)
        frame = torch.cat([self.context, x], 1)
        if rate == 16000:
            frame = frame * 0.5
        else:
            frame = torch.tanh(frame)
        if len(self.state):
            h, c = self.rnn(frame, (self.state[0], self.state[1]))
        else:
            h, c = self.rnn(frame)
        self.state = torch.stack([h, c])
        self.context = x[:, -2:]
        self.last_rate = rate
        return torch.sigmoid(self.out(h))


class Buffer(nn.Module):
    """Writes into one of its buffers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("average", torch.zeros(2, 3))

    def forward(self, x):
        self.average.mul_(0.5).add_(x)
        return self.average * 2.0


class Spectrum(nn.Module):
    """Uses an operator that is not supported."""

    def forward(self, x):
        return torch.fft.rfft(x).abs()


class Endless(nn.Module):
    def forward(self, x):
        i = 1
        while i > 0:
            i = 3 - i
        return x * i


class OnData(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            x = -x
        return x


class Writes(nn.Module):
    """Leaves a file behind when it is run."""

    def forward(self, x):
        torch.save(torch.zeros(1), "left-behind")
        return x + 1


class WhenLoaded(nn.Module):
    """Has code that runs when it is loaded."""

    def __init__(self):
        super().__init__()
        self.n: int = 1

    def forward(self, x):
        return x * self.n

    @torch.jit.export
    def __getstate__(self):
        return (self.n, self.training)

    @torch.jit.export
    def __setstate__(self, state: Tuple[int, bool]):
        self.n = state[0] + 1
        self.training = state[1]


def path(name):
    return os.path.join(HERE, name)


def save(module, name):
    """Without the names of source files, which are this machine's."""
    module.save(path("whole"))
    with zipfile.ZipFile(path("whole")) as whole, zipfile.ZipFile(path(name), "w") as out:
        for member in whole.infolist():
            if not member.filename.endswith(".debug_pkl"):
                fixed = zipfile.ZipInfo(member.filename.replace("whole/", "module/"))
                fixed.compress_type = member.compress_type
                out.writestr(fixed, whole.read(member))
    os.remove(path("whole"))


def write_stream():
    stream = Stream().eval()
    save(torch.jit.script(stream), "stream.pt")
    frames = torch.randn(3, 1, 4)
    numpy.save(path("stream.frames.npy"), frames.numpy())
    with torch.no_grad():
        outputs = [stream(frame, 16000) for frame in frames]
    numpy.save(path("stream.outputs.npy"), torch.stack(outputs).numpy())


def main():
    torch.manual_seed(3)
    residual = Residual().eval()
    residual.norm.running_mean.normal_(0, 0.3)
    residual.norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 8, 8)
    numpy.save(path("residual.input.npy"), x.numpy())
    with torch.no_grad():
        numpy.save(path("residual.output.npy"), residual(x).numpy())
        save(torch.jit.script(copy.deepcopy(residual)), "residual.pt")
        save(torch.jit.trace(copy.deepcopy(residual), x), "traced.pt")
    write_stream()
    modules = [("buffer", Buffer()), ("spectrum", Spectrum()), ("endless", Endless())]
    modules += [("on_data", OnData()), ("writes", Writes()), ("when_loaded", WhenLoaded())]
    for name, module in modules:
        save(torch.jit.script(module.eval()), name + ".pt")


if __name__ == "__main__":
    sys.exit(main())

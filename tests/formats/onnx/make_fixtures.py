#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes the files in fixtures/ with PyTorch's own exporter (run by hand, once): a small residual
# network in several operator sets, with a fixed and a symbolic batch, its input and its output.
import os
import numpy as np
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.c2, self.b2 = nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c)

    def forward(self, x):
        return torch.relu(x + self.b2(self.c2(torch.relu(self.b1(self.c1(x))))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.bn, self.block = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), Block(4)
        self.depthwise = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4)
        self.pool, self.act, self.drop = nn.MaxPool2d(2), nn.ReLU6(), nn.Dropout()
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.block(torch.relu(self.bn(self.stem(x))))
        x = self.act(self.depthwise(self.pool(x)))
        return torch.softmax(self.fc(self.drop(x.view(x.size(0), -1))), dim=1)


torch.manual_seed(0)
net = Net().eval()
for layer in net.modules():
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean.uniform_(-0.3, 0.3)
        layer.running_var.uniform_(0.5, 2)
        layer.weight.data.uniform_(0.5, 1.5)
        layer.bias.data.uniform_(-0.3, 0.3)
x = torch.randn(3, 1, 8, 8)
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures"))
np.save("x.npy", x.numpy())
np.save("y.npy", net(x).detach().numpy())
for opset in (7, 9, 13, 16):
    for batch in ("fixed", "free"):
        torch.onnx.export(
            net, x, f"net_opset{opset}_{batch}.onnx", opset_version=opset,
            input_names=["image"], output_names=["probabilities"],
            dynamic_axes={"image": {0: "N"}} if batch == "free" else None,
            keep_initializers_as_inputs=opset == 7)

# SPDX-License-Identifier: Apache-2.0
# The plainest training loop in PyTorch: one tensor of noise in memory, SGD with Nesterov momentum.
# Prints steps a second.
# usage: loop.py lenet5|resnet20 STEPS THREADS
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 128


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = None
        if stride != 1:
            self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def resnet20():
    layers = [nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for stage in range(3):
        for block in range(3):
            out = 16 << stage
            layers.append(Block(channels, out, 2 if stage > 0 and block == 0 else 1))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main(name, steps, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = LeNet5() if name == 'lenet5' else resnet20()
    items = BATCH * 50
    x = torch.randn(items, 1, 28, 28)
    y = torch.randint(0, 10, (items,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True,
                                weight_decay=5e-4)
    start = time.perf_counter()
    for step in range(steps):
        at = step % 50 * BATCH
        loss = F.cross_entropy(model(x[at:at + BATCH]), y[at:at + BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f'{steps / (time.perf_counter() - start):.2f}')


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""Networks for images, with weights drawn from a generator."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions with batch normalisation and a way around them (resnet, basic block).

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        stride: Of the first convolution, and of the way around.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = _convolution(inputs, outputs, stride)
        self.second = _convolution(outputs, outputs, 1)
        same = stride == 1 and inputs == outputs
        self.around = nn.Identity() if same else _convolution(inputs, outputs, stride, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Output of the block, shape (N, outputs, height/stride, width/stride)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.around(x))


def resnet18(channels: int, classes: int) -> nn.Module:
    """ResNet-18 as it is used on images of 32 x 32 pixels: a first convolution of 3 x 3 and no pooling after it.

    Args:
        channels: Of an image.
        classes: Number of classes.
    """
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [Block(a, b, 1 if a == b else 2) for a, b in pairwise(widths)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)]
    return nn.Sequential(_convolution(channels, 64, 1), nn.ReLU(), *blocks, *head)


def small(channels: int, classes: int) -> nn.Module:
    """Two convolutions and a linear layer, without normalisation.

    Args:
        channels: Of an image.
        classes: Number of classes.
    """
    layers: list[nn.Module] = []
    for a, b in ((channels, 16), (16, 32)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, classes))


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {"resnet18": resnet18, "small": small}
"""Every network by name: `make(channels, classes)`."""


def network(name: str, channels: int, classes: int, generator: torch.Generator) -> nn.Module:
    """A network with torch's usual uniform weights of variance 1/(3 fan-in), drawn from a generator.

    Args:
        name: Row of `NETWORKS`.
        channels: Of an image.
        classes: Number of classes.
        generator: Source of the weights, on the CPU, so that every device starts from the same ones.
    """
    model = NETWORKS[name](channels, classes)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            for values in (module.weight, module.bias):
                if values is not None:
                    nn.init.uniform_(values, -bound, bound, generator=generator)
    return model


def _convolution(inputs: int, outputs: int, stride: int, kernel: int = 3) -> nn.Sequential:
    made = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(made, nn.BatchNorm2d(outputs))

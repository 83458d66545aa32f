"""Small networks whose minima can be reached to rounding."""

from functools import partial
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from inertialab.experiments.errors import WrongInputError


def softmax_regression(inputs: int, classes: int, generator: torch.Generator) -> nn.Module:
    """A linear layer; with the cross-entropy, softmax regression.

    Args:
        inputs: Number of features.
        classes: Number of classes.
        generator: Source of the initial weights.
    """
    return _initialised(nn.Linear(inputs, classes), generator)


def tanh_mlp(inputs: int, classes: int, generator: torch.Generator, hidden: int = 12) -> nn.Module:
    """One hidden layer of tanh units.

    Args:
        inputs: Number of features.
        classes: Number of classes.
        generator: Source of the initial weights.
        hidden: Number of hidden units.
    """
    return _initialised(nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, classes)), generator)


ACTIVATIONS = {"linear": nn.Identity, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "softplus": nn.Softplus}
"""Units of `two_layer` by name."""


def two_layer(
    inputs: int, outputs: int, generator: torch.Generator, hidden: int = 6, activation: str = "tanh"
) -> nn.Module:
    """Two layers without biases, whose origin is a saddle that no sample moves if a unit is zero at zero.

    Args:
        inputs: Number of features.
        outputs: Number of outputs.
        generator: Source of the initial weights.
        hidden: Number of hidden units.
        activation: A key of `ACTIVATIONS`.
    """
    layers = nn.Linear(inputs, hidden, bias=False), ACTIVATIONS[activation](), nn.Linear(hidden, outputs, bias=False)
    return _initialised(nn.Sequential(*layers), generator)


def convnet(inputs: int, classes: int, generator: torch.Generator) -> nn.Module:
    """A convolution of square images, four channels of tanh units at half the resolution, and a linear layer.

    Args:
        inputs: Number of pixels, a square.
        classes: Number of classes.
        generator: Source of the initial weights.

    Raises:
        WrongInputError: If the inputs are no square.
    """
    side = _side(inputs)
    flat = 4 * (-(-side // 2)) ** 2
    first = nn.Unflatten(-1, (1, side, side)), nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Tanh()
    return _initialised(nn.Sequential(*first, nn.Flatten(-3), nn.Linear(flat, classes)), generator)


class RowTransformer(nn.Module):
    """A two-layer transformer that reads an image row by row; outputs are read off the mean of its tokens.

    Args:
        side: Number of rows and of pixels in a row.
        classes: Number of outputs.
        width: Of the tokens, two heads share it.
    """

    def __init__(self, side: int, classes: int, width: int = 4):
        super().__init__()
        self.side, self.embed = side, nn.Linear(side, width)
        self.place = nn.Parameter(torch.zeros(side, width))
        options: dict[str, Any] = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.Sequential(*(nn.TransformerEncoderLayer(width, 2, 2 * width, **options) for _ in range(2)))
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (..., classes), of images of shape (..., side²)."""
        tokens = self.embed(x.unflatten(-1, (self.side, self.side))) + self.place
        with sdpa_kernel(SDPBackend.MATH):  # the one that can be differentiated twice, and forward
            return self.head(self.layers(tokens).mean(-2))


def row_transformer(inputs: int, classes: int, generator: torch.Generator) -> nn.Module:
    """`RowTransformer` for square images.

    Args:
        inputs: Number of pixels, a square.
        classes: Number of classes.
        generator: Source of the initial weights.

    Raises:
        WrongInputError: If the inputs are no square.
    """
    return _initialised(RowTransformer(_side(inputs), classes), generator)


MODELS = {
    "softmax-regression": softmax_regression,
    "tanh-mlp": tanh_mlp,
    "narrow-tanh-mlp": partial(tanh_mlp, hidden=4),
    "convnet": convnet,
    "row-transformer": row_transformer,
}


def _side(inputs: int) -> int:
    side = isqrt(inputs)
    if side * side != inputs:
        raise WrongInputError(f"This model reads square images; {inputs} features are none. Choose a data set of some.")
    return side


def _initialised(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """Gaussian weights of variance 1/fan-in from the generator; nothing depends on a global seed."""
    for name, p in model.named_parameters():
        if p.dim() > 1:
            nn.init.normal_(p, std=p[0].numel() ** -0.5, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(p)
    return model.double()

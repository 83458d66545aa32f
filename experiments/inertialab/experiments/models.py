"""Small networks whose minima can be reached to rounding."""

from functools import partial

import torch
from torch import nn


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


MODELS = {
    "softmax-regression": softmax_regression,
    "tanh-mlp": tanh_mlp,
    "narrow-tanh-mlp": partial(tanh_mlp, hidden=4),
}


def _initialised(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """Gaussian weights of variance 1/fan-in from the generator; nothing depends on a global seed."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model.double()

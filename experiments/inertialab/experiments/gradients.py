"""Minibatch gradients of many copies of a small network at once, by its own formula: a row for each kind of network.

Batched products of the closed form take less than half the time of `vmap(grad)`, which serves every other model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Gradient = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""From parameters, shape (n, P), inputs, shape (n, B, d), classes, shape (n, B), and the coefficient of an L2 penalty
to gradients, shape (n, P)."""


def closed_form(model: nn.Module, loss: Callable[..., Tensor]) -> Gradient | None:
    """The gradient of the mean cross-entropy over a minibatch, where a formula is known for the model.

    Args:
        model: A linear layer, or two with tanh between them, each with a bias.
        loss: Only `torch.nn.functional.cross_entropy` has a row.

    Returns:
        The function, None for other models and losses.
    """
    if loss is not nn.functional.cross_entropy:
        return None
    layers = [model] if isinstance(model, nn.Linear) else list(model) if type(model) is nn.Sequential else []
    formula = FORMULAS.get(tuple(type(layer) for layer in layers))
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if formula is None or any(layer.bias is None for layer in linear):
        return None
    shapes = [p.shape for layer in linear for p in (layer.weight, layer.bias)]
    return lambda flats, inputs, targets, l2: formula(_parts(flats, shapes), inputs, targets, l2)


def _parts(flats: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    parts = flats.split([shape.numel() for shape in shapes], dim=1)
    return [part.view(len(flats), *shape) for part, shape in zip(parts, shapes, strict=True)]


def _outputs(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias[:, None], inputs, weight.transpose(1, 2))


def _slope(outputs: Tensor, targets: Tensor) -> Tensor:
    """Derivative of the mean cross-entropy by the outputs: probabilities minus the classes, over the batch size."""
    # Over so few classes three plain operations take a quarter of the time of `torch.softmax`.
    slope = (outputs - outputs.amax(-1, keepdim=True)).exp_()
    slope.div_(slope.sum(-1, keepdim=True))
    slope.scatter_add_(-1, targets[..., None], torch.full_like(targets[..., None], -1.0, dtype=slope.dtype))
    return slope.div_(targets.shape[1])


def _joined(l2: float, *layers: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Gradients of weight and bias of each layer: from the two, the derivative by its outputs, and its inputs."""
    parts = []
    for weight, bias, slope, x in layers:
        # The penalty enters with the product, which spares a pass over all gradients.
        parts.append(torch.baddbmm(weight, slope.transpose(1, 2), x, beta=l2).flatten(1))
        parts.append(slope.sum(1).add_(bias, alpha=l2))
    return torch.cat(parts, 1)


def _tanh(x: Tensor) -> Tensor:
    """In place, to the rounding of numbers of size one; half of the time of `torch.tanh`."""
    return x.mul_(2).exp_().add_(1).reciprocal_().mul_(-2).add_(1)


def _linear(parts: Sequence[Tensor], inputs: Tensor, targets: Tensor, l2: float) -> Tensor:
    weight, bias = parts
    return _joined(l2, (weight, bias, _slope(_outputs(inputs, weight, bias), targets), inputs))


def _one_hidden_layer(parts: Sequence[Tensor], inputs: Tensor, targets: Tensor, l2: float) -> Tensor:
    first, bias, second, last = parts
    hidden = _tanh(_outputs(inputs, first, bias))
    slope = _slope(_outputs(hidden, second, last), targets)
    inner = torch.bmm(slope, second).mul_(1 - hidden.square())
    return _joined(l2, (first, bias, inner, inputs), (second, last, slope, hidden))


FORMULAS = {(nn.Linear,): _linear, (nn.Linear, nn.Tanh, nn.Linear): _one_hidden_layer}
"""By the kinds of a model's layers."""

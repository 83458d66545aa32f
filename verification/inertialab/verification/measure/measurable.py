"""What can be measured rightly: the parameters that are chosen, and refusals that say why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from inertialab.verification.measure.batches import Chunk as Chunk
from inertialab.verification.measure.batches import NotFiniteError as NotFiniteError
from inertialab.verification.measure.batches import NotMeasurableError as NotMeasurableError
from inertialab.verification.measure.batches import piece as piece

Loss = Callable[[Any, Any], Tensor]
"""Mean loss of a batch as a function of the model's outputs and the targets."""


def chosen(model: nn.Module, names: Iterable[str] | None) -> dict[str, Tensor]:
    """Parameters with these names, or all that require a gradient.

    A tied parameter may go by any of its names.

    Raises:
        NotMeasurableError: If there is none, or a name is unknown.
    """
    every: dict[str, Tensor] = dict(model.named_parameters())
    if names is None:
        chosen = {name: p for name, p in every.items() if p.requires_grad}
    else:
        known: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=False))
        names = list(names)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise NotMeasurableError(f"The model has no parameter {unknown[0]!r}; it has {', '.join(every)}.")
        first = {id(p): name for name, p in every.items()}
        chosen = {first[id(known[name])]: known[name] for name in names}
    if not chosen:
        raise NotMeasurableError(
            "There is no parameter to measure: none requires a gradient, or the given names are none. "
            "Pass parameters=[...] with names of model.named_parameters()."
        )
    if any(nn.parameter.is_lazy(p) for p in model.parameters()):
        raise NotMeasurableError("The model has lazy parameters without a shape; call it once before measuring.")
    return chosen


def refuse_modules(model: nn.Module, coupled: bool) -> None:
    """Refuse modules that cannot be measured, make the loss random, or let it depend on how the data are cut."""
    for name, module in model.named_modules():
        where = f"{type(module).__name__} {name!r}" if name else type(module).__name__
        if isinstance(module, torch.jit.ScriptModule):
            raise NotMeasurableError(
                f"{where} is compiled by TorchScript, which cannot be called with other parameters; measure the Python "
                "module that it was made of."
            )
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.training and module.p > 0:
            raise NotMeasurableError(
                f"{where} is in train mode: the loss is random, and its curvature is not that of the trained "
                "function. Call model.eval() before measuring."
            )
        batch_statistics = module.training or getattr(module, "running_mean", None) is None
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and batch_statistics and not coupled:
            raise NotMeasurableError(
                f"{where} uses batch statistics: the loss depends on how the data are cut, and the samples have no "
                "gradients of their own. Call model.eval(), with running statistics tracked, before measuring; or "
                "pass coupled=True for the curvature of the loss of all data as one batch."
            )


def refuse_loss(loss: Any) -> None:
    """Refuse a loss that is no finite number."""
    if not isinstance(loss, Tensor):
        raise NotMeasurableError(f"The loss must be one number as a tensor, got a {type(loss).__name__}.")
    if loss.numel() != 1:
        raise NotMeasurableError(
            f"The loss must be one number, the mean over a batch; got shape {tuple(loss.shape)}. Use reduction='mean'."
        )
    if not math.isfinite(value := float(loss.detach())):
        raise NotFiniteError(f"The loss is {value}; there is no curvature to measure at this point.")


def refuse_random(first: float, second: float) -> None:
    """Refuse a loss that two evaluations of the same samples do not agree on."""
    if first != second:
        raise NotMeasurableError(
            f"Two evaluations of the same samples gave {first} and {second}: the loss is random. Put the "
            "model in eval mode, and switch off what draws random numbers or keeps state between calls."
        )


def failed(error: Exception, what: str) -> NotMeasurableError:
    """A sentence in the place of an error from inside a model, a loss, or their derivatives."""
    text = str(error).strip().splitlines()
    return NotMeasurableError(f"{what} fails with {type(error).__name__}: {text[0] if text else ''}")

"""What can be measured rightly: chunks of data, parameters, and refusals that say why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]
Inputs = Tensor | tuple[Tensor, ...]
Chunk = tuple[Inputs, Tensor]


class NotMeasurableError(ValueError):
    """A problem whose curvature or noise cannot be measured rightly, with the sentence that says why."""


def piece(chunk: Chunk, part: slice) -> Chunk:
    """Some samples of a chunk."""
    inputs, targets = chunk
    return (tuple(i[part] for i in inputs) if isinstance(inputs, tuple) else inputs[part]), targets[part]


def cut(data: Chunk | Iterable[Chunk], size: int | None, cast: Callable[[Tensor], Tensor]) -> list[Chunk]:
    """Data as chunks of at most a size, each tensor cast.

    Raises:
        NotMeasurableError: If there is none, or inputs and targets differ in number.
    """
    given: list[Chunk] = [data] if _is_chunk(data) else list(data)  # pyright: ignore[reportAssignmentType]
    chunks = []
    for inputs, targets in given:
        parts = inputs if isinstance(inputs, tuple) else (inputs,)
        if any(len(part) != len(targets) for part in parts):
            counts = ", ".join(str(len(part)) for part in parts)
            raise NotMeasurableError(
                f"A chunk needs as many inputs as targets, got {counts} inputs and {len(targets)} targets."
            )
        parts = tuple(cast(p) for p in parts)
        whole: Chunk = (parts if isinstance(inputs, tuple) else parts[0], cast(targets))
        starts = range(0, len(targets), size or max(1, len(targets)))
        chunks += [piece(whole, slice(s, s + (size or len(targets)))) for s in starts]
    if not chunks:
        raise NotMeasurableError("There is no data: a loss over no samples has no curvature; pass (inputs, targets).")
    return chunks


def _is_chunk(data: object) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and isinstance(data[1], Tensor)


def chosen(model: nn.Module, names: Iterable[str] | None) -> dict[str, Tensor]:
    """Parameters with these names, or all that require a gradient.

    Raises:
        NotMeasurableError: If there is none, or a name is unknown.
    """
    every: dict[str, Tensor] = dict(model.named_parameters())
    if names is None:
        chosen = {name: p for name, p in every.items() if p.requires_grad}
    else:
        names = list(names)
        unknown = [name for name in names if name not in every]
        if unknown:
            raise NotMeasurableError(f"The model has no parameter {unknown[0]!r}; it has {', '.join(every)}.")
        chosen = {name: every[name] for name in names}
    if not chosen:
        raise NotMeasurableError(
            "There is no parameter to measure: none requires a gradient, or the given names are none. "
            "Pass parameters=[...] with names of model.named_parameters()."
        )
    return chosen


def refuse_random_modules(model: nn.Module) -> None:
    """Refuse what makes the loss random, or lets it depend on how the data are cut."""
    for name, module in model.named_modules():
        where = f"{type(module).__name__} {name!r}" if name else type(module).__name__
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.training and module.p > 0:
            raise NotMeasurableError(
                f"{where} is in train mode: the loss is random, and its curvature is not that of the trained "
                "function. Call model.eval() before measuring."
            )
        batch_statistics = module.training or getattr(module, "running_mean", None) is None
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and batch_statistics:
            raise NotMeasurableError(
                f"{where} uses batch statistics: the loss depends on how the data are cut, and the samples have no "
                "gradients of their own. Call model.eval(), with running statistics tracked, before measuring."
            )


def refuse_loss(first: Tensor, second: Tensor) -> None:
    """Refuse a loss that is no finite number, or that two evaluations of the same samples do not agree on."""
    if first.numel() != 1:
        raise NotMeasurableError(
            f"The loss must be one number, the mean over a batch; got shape {tuple(first.shape)}. Use reduction='mean'."
        )
    if not math.isfinite(float(first)):
        raise NotMeasurableError(f"The loss is {float(first)}; there is no curvature to measure at this point.")
    if float(first) != float(second):
        raise NotMeasurableError(
            f"Two evaluations of the same samples gave {float(first)} and {float(second)}: the loss is random. Put the "
            "model in eval mode, and switch off what draws random numbers or keeps state between calls."
        )


def refuse_coupled(whole: float, parts: float, eps: float) -> None:
    """Refuse a loss that is not the mean over its samples."""
    if abs(whole - parts) > 1e3 * eps * max(abs(whole), abs(parts)) + eps:
        raise NotMeasurableError(
            f"The loss of a chunk is {whole:.8g}, that of its first sample and of the others together {parts:.8g}: the "
            "loss is not a mean over independent samples. Use reduction='mean' without class weights, and no module "
            "that mixes samples."
        )

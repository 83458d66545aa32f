"""Whether a loss is a function of the measured parameters, and of nothing else that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, mapped
from inertialab.verification.measure.measurable import NotMeasurableError, failed, refuse_loss, refuse_random
from inertialab.verification.measure.snapshot import Watch

if TYPE_CHECKING:
    from inertialab.verification.measure.problem import Problem


def takes_parameters(problem: Problem, point: list[Tensor], chunk: Chunk) -> bool:
    """Refuse what is no function of the parameters; whether the loss takes some directly, not from the outputs."""
    before = [p.clone() for p in point]
    leaves = [p.clone().requires_grad_() for p in point]
    try:
        with Watch(problem.snapshot, problem.dtype) as watch:
            problem.mean_loss(leaves, chunk)
            first = problem.mean_loss(point, chunk)
            outputs = mapped(torch.detach, problem.outputs(point, chunk.inputs))
            loss = problem.loss_of(leaves, outputs, chunk.targets)
    except NotMeasurableError:
        raise
    except Exception as error:
        raise failed(error, "Calling the model and its loss on these data") from error
    if isinstance(first, Tensor) and first.numel() == 1:
        refuse_random(*(float(torch.nan_to_num(each.detach())) for each in (first, problem.mean_loss(point, chunk))))
    for name, p, q in zip(problem.names, point, before, strict=True):
        if not torch.equal(torch.nan_to_num(p), torch.nan_to_num(q)):
            raise NotMeasurableError(
                f"Calling the model writes into its parameter {name!r}, so the loss at these parameters is that at "
                "others; normalise it beforehand, or leave it out with parameters=[...]."
            )
    if watch.taken:
        raise NotMeasurableError(
            f"The parameter {problem.names[min(watch.taken)]!r} is used by a reference that was taken from the model "
            "earlier, which does not follow the measured values; take it from the model whenever the loss is called."
        )
    if watch.rounded is not None:
        operation, dtype = watch.rounded
        raise NotMeasurableError(
            f"The model or loss computes in {dtype} ({operation}), less than the {problem.dtype} that is measured in: "
            "derivatives would be rounding error. Switch off autocast inside the model, or pass dtype=torch.float32 "
            "where it is float32 that it computes in."
        )
    refuse_shape(loss)
    if not loss.requires_grad:
        return False
    return any(g is not None for g in torch.autograd.grad(loss, leaves, allow_unused=True))


def refuse_shape(loss: Any) -> None:
    """Refuse a loss that is not one number; one that is not finite may still be that of no tokens."""
    refuse_loss(torch.nan_to_num(loss, 0.0, 0.0, 0.0) if isinstance(loss, Tensor) else loss)

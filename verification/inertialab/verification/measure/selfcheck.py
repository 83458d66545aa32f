"""Every operator tries itself once on a few samples: against differences of what takes first derivatives alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, piece
from inertialab.verification.measure.measurable import failed
from inertialab.verification.measure.problem import Problem, flatten
from inertialab.verification.measure.snapshot import Watch
from inertialab.verification.measure.tape import Product

SAMPLES = 8
"""Samples that an operator is tried on: a derivative that is wrong is so for few samples as well as for many."""

Make = Callable[[Problem, Chunk], Product]
Difference = Callable[[Problem, Chunk, Tensor, float], Tensor]
"""Product with a vector from central differences, (problem, chunk, vector, step)."""


@dataclass(frozen=True)
class _Trial:
    """A step of the differences relative to the parameters, and the largest relative error that passes for rounding."""

    step: float
    tolerance: float


# A kink that lies within the first step does not lie within the second, but for rare bad luck with the third.
TRIALS = {
    torch.float64: (_Trial(1e-6, 1e-3), _Trial(1e-8, 1e-2), _Trial(1e-7, 1e-2)),
    torch.float32: (_Trial(3e-3, 0.2), _Trial(1e-3, 0.3)),
}


def verify(problem: Problem, chunk: Chunk, make: Make, difference: Difference, what: str) -> None:
    """Refuse an operator whose products are not symmetric, or not what differences say.

    Done in float64 where the model allows it, since differences in float32 show little.

    Args:
        problem: What is measured.
        chunk: Samples to try it on, a few of which are taken.
        make: Makes the product with a chunk's share.
        difference: The same product by differences.
        what: Name of the operator.

    Raises:
        NotMeasurableError: If the gradient is not the derivative of the loss, or a second derivative is wrong or
            missing; with the layer, where it can be found.
    """
    few = chunk if problem.coupled or chunk.samples <= SAMPLES else piece(chunk, slice(0, SAMPLES))
    for part in (few, chunk):
        alone = _double(problem, part)
        (own,) = alone.chunks
        with alone.conditions():
            # Some samples may have no loss: of no token, or of no weight.
            if torch.isfinite(alone.mean_loss(alone.parts(alone.start), own)):
                _refuse_gradient(alone, own)
                _refuse_product(alone, own, make, difference, what)
                return


def gradient_at(problem: Problem, chunk: Chunk, flat: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of a chunk and its gradient, shape (P,), at other parameters."""
    leaves = [part.clone().requires_grad_() for part in problem.parts(flat)]
    loss = problem.mean_loss(leaves, chunk)
    if not loss.requires_grad:
        return loss.detach(), torch.zeros_like(flat)
    return loss.detach(), flatten(torch.autograd.grad(loss, leaves, materialize_grads=True))


def gradient_difference(problem: Problem, chunk: Chunk, v: Tensor, step: float) -> Tensor:
    """Product of the Hessian with a vector from two gradients."""
    ahead, back = (gradient_at(problem, chunk, problem.start + s * v)[1] for s in (step, -step))
    return (ahead - back) / (2 * step)


def _double(problem: Problem, chunk: Chunk) -> Problem:
    """The loss of some samples, in float64 unless the model insists on less."""
    own = problem.retyped(problem.dtype, chunk)
    if problem.dtype == torch.float64 or problem.device.type == "mps":
        return own
    try:
        double = problem.retyped(torch.float64, chunk)
        with double.conditions(), Watch(double.snapshot, torch.float64) as watch:
            double.mean_loss(double.leaves(), double.chunks[0])
    except Exception:  # a dtype that is written into the model
        return own
    return own if watch.rounded else double


def _refuse_gradient(problem: Problem, chunk: Chunk) -> None:
    """Refuse a gradient that is not the derivative of the loss."""
    errors = []
    for trial, v in zip(TRIALS[problem.dtype], _vectors(problem), strict=False):
        loss, gradient = gradient_at(problem, chunk, problem.start)
        shifted = [gradient_at(problem, chunk, problem.start + s * v)[0] for s in (trial.step, -trial.step)]
        seen = float(shifted[0] - shifted[1]) / (2 * trial.step)
        scale = max(float((gradient * v).norm()), abs(seen)) + 1e-300
        noise = 1e2 * torch.finfo(problem.dtype).eps * abs(float(loss)) / trial.step
        errors.append(abs(seen - float(gradient @ v)) / scale)
        if errors[-1] <= trial.tolerance + noise / scale:
            return
    raise NotMeasurableError(
        f"The gradient is not the derivative of the loss: they differ by {min(errors):.0%}. Something between the "
        "parameters and the loss is detached, rounded, or has a backward pass of its own (checkpoints of other "
        "libraries, straight-through estimators, targets without gradient), so there is no loss with this gradient."
        + _custom_functions(problem, chunk)
    )


def _refuse_product(problem: Problem, chunk: Chunk, make: Make, difference: Difference, what: str) -> None:
    """Refuse products that are not symmetric, or not those by differences."""
    try:
        product = make(problem, chunk)
        product(problem.start)
    except NotMeasurableError:
        raise
    except Exception as error:
        raise failed(error, f"A derivative that the {what} takes") from error
    u, v = torch.stack(list(_vectors(problem))[:2])
    if not torch.isfinite(product(v)).all():
        raise NotMeasurableError(
            f"The {what} is not finite at this point: a second derivative overflows or does not exist there, as that "
            "of a norm at zero." + _custom_functions(problem, chunk)
        )
    one, other = float(u @ product(v)), float(v @ product(u))
    scale = float(u.norm() * product(v).norm())
    uneven = abs(one - other) / (scale + 1e-300)
    errors = [
        _error(problem, chunk, product, difference, vector, trial)
        for trial, vector in zip(TRIALS[problem.dtype], _vectors(problem), strict=False)
    ]
    wrong = all(error > trial.tolerance for error, trial in zip(errors, TRIALS[problem.dtype], strict=True))
    if not wrong and uneven <= torch.finfo(problem.dtype).eps ** 0.4:
        return
    raise NotMeasurableError(
        f"The {what} by automatic differentiation differs from differences of first derivatives by {min(errors):.0%}, "
        f"and u·Hv from v·Hu by {uneven:.0%}: a derivative is wrong or missing."
        + _blame(problem, chunk, product, difference)
        + _custom_functions(problem, chunk)
    )


def _error(problem: Problem, chunk: Chunk, product: Product, difference: Difference, v: Tensor, trial: _Trial) -> float:
    """Relative error of a product beside its differences, less what is rounding."""
    Hv, seen = product(v).detach(), difference(problem, chunk, v, trial.step)
    _, gradient = gradient_at(problem, chunk, problem.start)
    noise = 1e2 * torch.finfo(problem.dtype).eps * float(gradient.norm()) / trial.step
    scale = max(float(Hv.norm()), float(seen.norm()))
    return max(0.0, float((Hv - seen).norm()) - noise) / (scale + 1e-300)


def _blame(problem: Problem, chunk: Chunk, product: Product, difference: Difference) -> str:
    """The parameters whose own blocks are wrong; a layer whose derivative is wrong spoils those that come before."""
    trial, v = TRIALS[problem.dtype][0], next(_vectors(problem))
    wrong, begin = [], 0
    for name, size in zip(problem.names, problem.sizes, strict=True):
        part = torch.zeros_like(v)
        part[begin : begin + size] = v[begin : begin + size]
        block = slice(begin, begin + size)
        Hv, seen = product(part)[block].detach(), difference(problem, chunk, part, trial.step)[block]
        scale = max(float(product(part).norm()), float(seen.norm())) + 1e-300
        if float((Hv - seen).norm()) > trial.tolerance * scale:
            wrong.append(name)
        begin += size
    if not wrong or len(wrong) == len(problem.names):
        return ""
    return f" It concerns the parameters {', '.join(wrong)}: look at their layer and what follows it."


def _custom_functions(problem: Problem, chunk: Chunk) -> str:
    """The autograd functions of the user's own in the graph of the loss."""
    loss = problem.mean_loss(problem.leaves(), chunk)
    names, seen, left = set(), set(), [loss.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            names.add(type(node).__name__.removesuffix("Backward"))
        left += [following for following, _ in node.next_functions]
    if not names:
        return ""
    return f" Its graph has custom functions: {', '.join(sorted(names))}; their backward must itself be differentiable."


def _vectors(problem: Problem) -> Iterator[Tensor]:
    """Random directions, each parameter in units of its own size."""
    generator = torch.Generator().manual_seed(0)
    whole = float(problem.start.square().mean().sqrt()) or 1.0
    sizes = [float(p.square().mean().sqrt()) or whole if p.numel() else 0.0 for p in problem.parts(problem.start)]
    scale = torch.cat([torch.full((n,), s) for n, s in zip(problem.sizes, sizes, strict=True)])
    for _ in range(3):
        drawn = torch.randn(problem.size, dtype=torch.float64, generator=generator) * scale
        yield drawn.to(problem.device, problem.dtype)

"""Every operator tries itself once on a few samples: against differences of what takes first derivatives alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, NotFiniteError, NotMeasurableError, piece
from inertialab.verification.measure.coordinates import flatten
from inertialab.verification.measure.measurable import failed
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.snapshot import Watch
from inertialab.verification.measure.tape import Product

SAMPLES = 4
"""Samples that an operator is tried on: a derivative that is wrong is so for few samples as well as for many."""

VECTORS = 12
"""Most vectors of the size of the parameters that a trial holds at once."""

Make = Callable[[Problem, Chunk], Product]
Sides = tuple[tuple[Tensor, Tensor], ...]
"""Loss and gradient a step ahead and a step back."""

Difference = Callable[[Problem, Chunk, Tensor, float, Sides], Tensor]
"""Product with a vector from central differences, (problem, chunk, vector, step, sides)."""


@dataclass(frozen=True)
class _Trial:
    """A step of the differences relative to the parameters, and the largest relative error that passes for rounding."""

    step: float
    tolerance: float


BESIDE = {torch.float64: 1e-3, torch.float32: 0.03}
"""How far from the measured point an operator is tried, relative to the parameters: far beyond the steps."""

# A kink that lies within the first step does not lie within the second, but for rare bad luck with the third.
TRIALS = {
    torch.float64: (_Trial(1e-6, 1e-3), _Trial(1e-8, 1e-2), _Trial(1e-7, 1e-2)),
    torch.float32: (_Trial(3e-3, 0.2), _Trial(1e-3, 0.3)),
}


ASIDE, OTHER = 10, 11  # seeds beside those of the trials


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
                _tried(alone, own, make, difference, what)
                return


def gradient_at(problem: Problem, chunk: Chunk, flat: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of a chunk and its gradient, shape (P,), at other parameters."""
    leaves = [part.clone().requires_grad_() for part in problem.parts(flat)]
    loss = problem.mean_loss(leaves, chunk)
    if not loss.requires_grad:
        return loss.detach(), torch.zeros_like(flat)
    return loss.detach(), flatten(torch.autograd.grad(loss, leaves, materialize_grads=True))


def gradient_difference(problem: Problem, chunk: Chunk, v: Tensor, step: float, sides: Sides | None = None) -> Tensor:
    """Product of the Hessian with a vector from two gradients, which may be known."""
    if sides is None:
        sides = tuple(gradient_at(problem, chunk, problem.start + s * v) for s in (step, -step))
    return (sides[0][1] - sides[1][1]) / (2 * step)


def _double(problem: Problem, chunk: Chunk) -> Problem:
    """The loss of some samples, in float64 unless the model insists on less."""
    own = problem.retyped(problem.dtype, chunk)
    room = VECTORS * problem.size * torch.float64.itemsize <= problem.max_bytes // 2
    if problem.dtype == torch.float64 or problem.device.type == "mps" or not room:
        return own
    try:
        double = problem.retyped(torch.float64, chunk)
        with double.conditions(), Watch(double.snapshot, torch.float64) as watch:
            double.mean_loss(double.leaves(), double.chunks[0])
    except Exception:  # a dtype that is written into the model
        return own
    return own if watch.rounded else double


def _tried(problem: Problem, chunk: Chunk, make: Make, difference: Difference, what: str) -> None:
    """Compare gradient and product with differences, until both agree."""
    _refuse_infinite(problem, chunk, make, what)
    # Beside the point, where no unit stands exactly on its kink, as those with blank inputs and biases of zero do.
    problem.start = problem.start + BESIDE[problem.dtype] * _vector(problem, ASIDE)
    product = make(problem, chunk)
    slopes, errors = [], []
    for seed, trial in enumerate(TRIALS[problem.dtype]):
        v = _vector(problem, seed)
        (ahead, g), (back, h) = sides = tuple(
            gradient_at(problem, chunk, problem.start + s * v) for s in (trial.step, -trial.step)
        )
        slopes.append(_slope_error(problem, v, trial, (float(ahead), float(back)), (g + h) / 2))
        Hv, seen = product(v).detach(), difference(problem, chunk, v, trial.step, sides)
        errors.append(_error(problem, Hv, seen, g, trial))
        if min(slopes) <= 0 and min(errors) <= 0:
            return _refuse_uneven(problem, product, v, Hv, what)
    if min(slopes) > 0:
        raise NotMeasurableError(
            f"The gradient is not the derivative of the loss: they differ by {min(slopes):.0%}. Something between the "
            "parameters and the loss is detached, rounded, or has a backward pass of its own (checkpoints of other "
            "libraries, straight-through estimators, targets without gradient), so there is no loss with this gradient."
            + _custom_functions(problem, chunk)
        )
    raise NotMeasurableError(
        f"The {what} by automatic differentiation differs from differences of first derivatives by {min(errors):.0%}: "
        "a derivative is wrong or missing."
        + _blame(problem, chunk, product, difference)
        + _custom_functions(problem, chunk)
    )


def _refuse_infinite(problem: Problem, chunk: Chunk, make: Make, what: str) -> None:
    """Refuse a product that does not exist, at the very point."""
    try:
        Hv = make(problem, chunk)(_vector(problem, 0))
    except NotMeasurableError:
        raise
    except Exception as error:
        raise failed(error, f"A derivative that the {what} takes") from error
    if not torch.isfinite(Hv).all():
        raise NotFiniteError(
            f"The {what} is not finite at this point: a second derivative overflows or does not exist there, as "
            "that of a norm at zero." + _custom_functions(problem, chunk)
        )


def _slope_error(problem: Problem, v: Tensor, trial: _Trial, sides: tuple[float, float], gradient: Tensor) -> float:
    """Relative error of the gradient along v beside a difference of the loss; zero if it passes for rounding."""
    seen = (sides[0] - sides[1]) / (2 * trial.step)
    scale = max(float((gradient * v).norm()), abs(seen)) + 1e-300
    noise = 1e2 * problem.eps * abs(sides[0]) / trial.step
    error = abs(seen - float(gradient @ v)) / scale
    return 0.0 if error <= trial.tolerance + noise / scale else error


def _error(problem: Problem, Hv: Tensor, seen: Tensor, gradient: Tensor, trial: _Trial) -> float:
    """Relative error of a product beside its differences; zero if it passes for rounding."""
    noise = 1e2 * problem.eps * float(gradient.norm()) / trial.step
    scale = max(float(Hv.norm()), float(seen.norm())) + 1e-300
    error = float((Hv - seen).norm()) / scale
    return 0.0 if error <= trial.tolerance + noise / scale else error


def _refuse_uneven(problem: Problem, product: Product, v: Tensor, Hv: Tensor, what: str) -> None:
    """Refuse products that are not symmetric."""
    u = _vector(problem, OTHER)
    Hu = product(u)
    uneven = abs(float(u @ Hv) - float(v @ Hu)) / (float(u.norm() * Hv.norm() + v.norm() * Hu.norm()) + 1e-300)
    if uneven > problem.eps**0.4:
        raise NotMeasurableError(
            f"The {what} by automatic differentiation is not symmetric: u·Hv and v·Hu differ by {uneven:.0%} of their "
            "scale. A derivative is wrong or missing."
        )


def _blame(problem: Problem, chunk: Chunk, product: Product, difference: Difference) -> str:
    """The parameters whose own blocks are wrong; a layer whose derivative is wrong spoils those that come before."""
    trial, v = TRIALS[problem.dtype][0], _vector(problem, 0)
    wrong, begin = [], 0
    for name, size in zip(problem.names, problem.sizes, strict=True):
        part = torch.zeros_like(v)
        block = slice(begin, begin + size)
        part[block] = v[block]
        sides = tuple(gradient_at(problem, chunk, problem.start + s * part) for s in (trial.step, -trial.step))
        Hv, seen = product(part)[block].detach(), difference(problem, chunk, part, trial.step, sides)[block]
        if _error(problem, Hv, seen, sides[0][1], trial) > 0:
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


def _vector(problem: Problem, seed: int) -> Tensor:
    """A random direction, each parameter in units of its own size."""
    generator = torch.Generator().manual_seed(seed)
    whole = float(problem.start.square().mean().sqrt()) or 1.0
    drawn = torch.randn(problem.size, dtype=problem.dtype, generator=generator).to(problem.device)
    sizes = [float(p.square().mean().sqrt()) or whole if p.numel() else 0.0 for p in problem.parts(problem.start)]
    for part, size in zip(problem.parts(drawn), sizes, strict=True):
        part *= size
    return drawn

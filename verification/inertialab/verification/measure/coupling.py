"""How the loss of a batch is made of its samples: as their mean, as a weighted mean, or in no such way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.utils._pytree import tree_flatten, tree_unflatten

from inertialab.verification.measure.batches import Chunk, Nested, joined, mapped, piece, tensors_in
from inertialab.verification.measure.conditions import quietly
from inertialab.verification.measure.measurable import NotMeasurableError, failed, refuse_loss
from inertialab.verification.measure.purity import refuse_shape, takes_parameters

if TYPE_CHECKING:
    from inertialab.verification.measure.problem import Problem

FEW = 64
"""Samples, of all chunks together, on which what holds for all of them is tried."""

BLOCK_BYTES = 2**26
"""Most bytes of outputs that are taken apart at once."""


@dataclass(frozen=True)
class Structure:
    """What the loss of a batch is made of.

    Attributes:
        weighted: Whether samples count by weights of the loss' own (class weights, tokens), not alike.
        separable: Whether the outputs start with the sample and are all that the loss takes from the parameters.
        direct: Whether the loss takes some parameters from the model itself.
        trailing: Shape of a sample's output, where that is one tensor.
        reference: A few samples, (outputs, targets), whose weight is the unit of all weights.
    """

    weighted: bool = False
    separable: bool = False
    direct: bool = False
    trailing: torch.Size | None = None
    reference: Chunk | None = None


def examine(problem: Problem) -> Structure:
    """Evaluate every chunk once, and take its loss apart.

    Raises:
        NotMeasurableError: If the loss is not finite, not deterministic, takes parameters from elsewhere than the
            modules, or is neither a mean nor a weighted mean over its samples.
    """
    point = problem.parts(problem.start.clone())
    some = _few(problem.chunks[0], FEW // 4) if not problem.coupled else problem.chunks[0]
    direct = takes_parameters(problem, point, some)
    if problem.coupled:
        refuse_loss(problem.mean_loss(point, some))
        return Structure(direct=direct)
    seen = [_taken_apart(problem, point, chunk) for chunk in problem.chunks]
    parts = [part for part, _ in seen if part is not None]
    if len(parts) < len(seen):
        return Structure(direct=direct)
    mixed = joined(parts)
    refuse_loss(problem.loss_of(point, *mixed))
    kinds = {kind for _, kinds in seen for kind in kinds} | {_kind(problem, point, mixed)}
    outputs = mixed.inputs
    trailing = outputs.shape[1:] if isinstance(outputs, Tensor) else None
    return Structure("weighted" in kinds, not direct, direct, trailing, mixed)


def relative_weight(problem: Problem, chunk: Chunk, reference: Chunk) -> float:
    """Weight of some samples in units of that of the reference.

    In the weighted mean over both, the slopes of the reference shrink by its share in their weight.
    """
    point = problem.parts(problem.start)
    outputs = mapped(torch.detach, problem.outputs(point, chunk.inputs))
    both = joined([reference, Chunk(outputs, chunk.targets)])
    alone = _slopes(problem, point, reference)
    together = _slopes(problem, point, both)[: len(alone)]
    share = float((together * alone).sum() / alone.square().sum())
    # Weights that vanish leave rounding.
    return max(0.0, (1 - share) / share) if 1 - share > 1e2 * problem.eps else 0.0


def _taken_apart(problem: Problem, point: list[Tensor], chunk: Chunk) -> tuple[Chunk | None, set[str]]:
    """A few samples' (outputs, targets), None without samples in them, and the kinds of the loss of all of them."""
    outputs = problem.outputs(point, chunk.inputs)
    n = chunk.samples
    leaves = tree_flatten(outputs)[0]
    if not all(isinstance(leaf, Tensor) and leaf.shape[:1] == (n,) for leaf in leaves):
        _refuse_values(problem, point, chunk)
        return None, {"mean"}
    whole = Chunk(mapped(torch.detach, outputs), chunk.targets)
    # Together the single losses take several times the memory of the outputs.
    each = max(1, sum(leaf.nbytes for leaf in leaves) // n)
    block = max(2, BLOCK_BYTES // each)
    starts = range(0, n, block)
    kinds = {_kind(problem, point, piece(whole, slice(s, s + block))) for s in starts}
    # Alike within each block they may still differ between blocks, as classes do that are sorted.
    kinds |= {_kind(problem, point, piece(whole, torch.tensor([0, s]))) for s in starts[1:]}
    picked = _places(n, max(1, min(FEW, BLOCK_BYTES // each) // len(problem.chunks)))
    few = piece(whole, picked)
    if 1 < len(picked) < n:
        _refuse_mixing(problem, point, chunk, few.inputs, picked)
    elif n > 1:
        half = torch.arange((n + 1) // 2)
        _refuse_mixing(problem, point, chunk, piece(whole, half).inputs, half)
    return few, kinds


def _kind(problem: Problem, point: list[Tensor], chunk: Chunk) -> str:
    """Whether the loss of (outputs, targets) is the mean of those of the single samples, or a weighted mean."""
    refuse_shape(problem.loss_of(point, chunk.inputs, chunk.targets))
    if chunk.samples == 1:
        return "mean"
    chunk, singles, values = _singles(problem, point, chunk)
    n, loss = chunk.samples, problem.loss_of(point, chunk.inputs, chunk.targets).detach().reshape(())
    if loss.isnan() and values.isnan().all():
        return "weighted"  # none of these samples counts
    whole, tolerance = _slopes(problem, point, chunk), problem.eps**0.6
    if not torch.isfinite(whole).all():
        refuse_loss(loss)
    scale = tolerance * float(whole.abs().max()) + 1e-300
    off = tolerance * float(values.nan_to_num().abs().max()) + 1e-300
    if float((whole - singles / n).abs().max()) <= scale and abs(float(loss - values.mean())) <= off:
        refuse_loss(loss)
        return "mean"
    if float((whole - singles).abs().max()) <= scale and abs(float(loss - values.sum())) <= n * off:
        raise NotMeasurableError(
            "The loss of a batch is the sum over its samples: the loss is not a mean over independent samples, and "
            "depends on how the data are cut. Use reduction='mean'."
        )
    singles = singles.nan_to_num()  # a sample without weight has no loss of its own
    lengths = singles.square().sum(1)
    weights = (whole * singles).sum(1) / torch.where(lengths > 0, lengths, 1)
    same = float((whole - weights[:, None] * singles).abs().max()) <= 10 * scale and float(weights.min()) >= -tolerance
    total, hidden = float(weights.sum()), bool(((lengths == 0) & values.isfinite()).any())
    if hidden:  # a sample that is fitted exactly does not show its weight
        same &= total <= 1 + n * tolerance
    else:
        same &= abs(total - 1) <= n * tolerance and abs(float(loss - (weights * values.nan_to_num()).sum())) <= n * off
    if same:
        return "weighted"
    raise NotMeasurableError(
        "The loss of a batch is no weighted mean of those of its samples: the loss is not a mean over independent "
        "samples. Check that outputs and targets have the same shape; use reduction='mean'; or pass coupled=True for "
        "the curvature of the loss of all data as one batch."
    )


def _slopes(problem: Problem, point: list[Tensor], chunk: Chunk) -> Tensor:
    """Derivative of the loss in the outputs, one row for each sample, from (outputs, targets)."""
    free = mapped(lambda t: t.detach().requires_grad_(t.is_floating_point()), chunk.inputs)
    ends = [t for t in tensors_in(free) if t.requires_grad]
    loss = problem.loss_of(point, free, chunk.targets)
    if not loss.requires_grad:
        return torch.zeros(chunk.samples, 1, dtype=problem.dtype, device=problem.device)
    found = torch.autograd.grad(loss, ends, materialize_grads=True)
    return torch.cat([g.detach().reshape(chunk.samples, -1) for g in found], dim=1)


def _singles(problem: Problem, point: list[Tensor], chunk: Chunk) -> tuple[Chunk, Tensor, Tensor]:
    """Slopes and values of the losses of the single samples; of a few where the loss knows no batching."""
    leaves, form = tree_flatten(tuple(chunk))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    count = len(list(tensors_in(chunk.inputs)))
    floating = tuple(i for i in range(count) if tensors[i].is_floating_point())

    def loss(*one: Tensor) -> Tensor:
        given = iter(one)
        outputs, targets = tree_unflatten([next(given)[None] if isinstance(t, Tensor) else t for t in leaves], form)
        return problem.loss_of(point, outputs, targets).reshape(())

    try:
        with quietly():
            found, values = vmap(grad_and_value(loss, argnums=floating))(*tensors)
        return chunk, torch.cat([g.reshape(chunk.samples, -1) for g in found], dim=1), values
    except Exception:  # an operation without a batching rule, or one that looks at its values
        few = _few(chunk, FEW)
    alone = [piece(few, slice(i, i + 1)) for i in range(few.samples)]
    try:
        values = torch.stack([problem.loss_of(point, *one).detach().reshape(()) for one in alone])
        return few, torch.cat([_slopes(problem, point, one) for one in alone]), values
    except Exception as error:
        raise failed(error, "The loss of a single sample cannot be evaluated, so samples may be coupled; it") from error


def _refuse_mixing(problem: Problem, point: list[Tensor], chunk: Chunk, among: Nested, picked: Tensor) -> None:
    """Refuse a model whose outputs for some samples depend on which others there are."""
    tolerance = problem.eps**0.6
    if any(x.is_floating_point() and not torch.isfinite(x).all() for x in tensors_in(among)):
        raise NotMeasurableError(
            "The outputs are not finite at these parameters, so there is nothing to measure. Has training diverged? "
            "Measure an earlier checkpoint, or train with a smaller learning rate."
        )
    try:
        alone = problem.outputs(point, piece(chunk, picked).inputs)
        pairs = list(zip(tensors_in(among), tensors_in(alone), strict=True))
        same = all(
            a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=tolerance * float(a.detach().abs().max()) + 1e-300)
            for a, b in pairs
        )
    except Exception:  # as when the edges of a graph lead to samples that are left out
        same = False
    if not same:
        raise NotMeasurableError(
            "The outputs of some samples change when others are left out: the model mixes samples, and the loss is "
            "not a mean over independent samples. Pass coupled=True for the curvature of the loss of all data as "
            "one batch."
        )


def _refuse_values(problem: Problem, point: list[Tensor], chunk: Chunk) -> None:
    """Refuse a loss that is not the mean over its samples, where only its value can be seen."""
    n = chunk.samples
    loss = problem.mean_loss(point, chunk).detach()
    refuse_loss(loss)
    whole = float(loss)
    for edge in {1, n // 2} - {0, n}:
        halves = [piece(chunk, slice(0, edge)), piece(chunk, slice(edge, n))]
        parts = sum(half.samples / n * float(problem.mean_loss(point, half).detach()) for half in halves)
        if abs(whole - parts) > 1e3 * problem.eps * max(abs(whole), abs(parts), 1e-300):
            raise NotMeasurableError(
                f"The loss of a chunk is {whole:.8g}, that of its parts together {parts:.8g}: the loss is not a mean "
                "over independent samples. Use reduction='mean' without class weights; return the outputs with the "
                "sample first, so that weights can be found; or pass coupled=True for the curvature of the loss of all "
                "data as one batch."
            )


def _places(samples: int, most: int) -> Tensor:
    """A few samples, spread evenly."""
    return torch.linspace(0, samples - 1, min(samples, most)).round().long()


def _few(chunk: Chunk, most: int) -> Chunk:
    return piece(chunk, _places(chunk.samples, most))

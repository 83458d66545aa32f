"""Hessian and Gauss-Newton matrix of a full-data loss as operators."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.utils._pytree import tree_flatten

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, mapped, piece, tensors_in
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.coordinates import flatten
from inertialab.verification.measure.likelihood import Likelihood, divergence
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.products import ChunkSum, kept_jacobian, pull
from inertialab.verification.measure.selfcheck import Sides, gradient_difference, verify
from inertialab.verification.measure.tape import Product

FLAT = (
    "The slope of the loss does not depend on the outputs, as for log-probabilities, absolute errors, or a loss inside "
    "the model: the Gauss-Newton matrix is zero but for l2. Return logits, or declare the likelihood."
)


@unrounded
def hessian(problem: Problem, *, keep: bool = True) -> Operator:
    """The Hessian of the full-data loss, penalty included.

    The graph of the gradient is kept, so that a product costs one backward pass through it; chunks whose graphs do
    not fit into the memory are recomputed for every product. Convolutions on CUDA take a gradient that carries tangents
    instead, if it gives the same: the backward pass through their gradients is a convolution whose kernels are as large
    as the images, of which an H200 made one product in the time of two of those. Source: pearlmutter1994fast.

    Args:
        problem: What is measured.
        keep: Whether to keep graphs that fit into the memory.

    Raises:
        NotMeasurableError: If the graph of one sample does not fit into the memory, or a second derivative is wrong or
            missing: on a few samples it is compared with differences of the gradient.

    Example:
        A loss without curvature in one of its parameters:

        >>> model = torch.nn.Linear(1, 1).double()
        >>> square = lambda outputs, targets: (outputs - targets).square().mean()
        >>> data = (torch.tensor([[1.0], [3.0]], dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64))
        >>> hessian(Problem(model, square, data)).to_dense()
        tensor([[10.,  4.],
                [ 4.,  2.]], dtype=torch.float64)
    """
    forward = partial(_ahead, problem) if _ahead_pays(problem) and _ahead_agrees(problem) else None
    return ChunkSum(
        problem,
        lambda chunk: _second_derivative(problem, chunk),
        forward,
        check=lambda chunk: verify(problem, chunk, _second_derivative, gradient_difference, "Hessian"),
        keep=keep and forward is None,
        record=forward is None,
        shift=problem.l2,
        rich=lambda chunk: _Within(None).image(problem, chunk),
    ).operator("hessian", derivative="reverse" if forward is None else "forward")


def _second_derivative(problem: Problem, chunk: Chunk) -> Product:
    leaves = problem.leaves()
    loss = problem.weight(chunk) * problem.mean_loss(leaves, chunk)
    gradients = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
    return lambda v: flatten(pull(gradients, leaves, problem.parts(v)))


def _ahead(problem: Problem, chunk: Chunk, v: Tensor) -> Tensor:
    """Product with a chunk's share: the gradient, with a tangent along v carried through both passes."""
    with problem.conditions(), forward_ad.dual_level():
        pairs = zip(problem.leaves(), problem.parts(v), strict=True)
        duals = [forward_ad.make_dual(leaf, part) for leaf, part in pairs]
        loss = problem.weight(chunk) * problem.mean_loss(duals, chunk)
        slopes = torch.autograd.grad(loss, duals, materialize_grads=True)
        tangents = [forward_ad.unpack_dual(slope).tangent for slope in slopes]
        return flatten([torch.zeros_like(s) if t is None else t for s, t in zip(slopes, tangents, strict=True)])


def _ahead_pays(problem: Problem) -> bool:
    return problem.device.type == "cuda" and problem.convolutional and not problem.coupled


def _ahead_agrees(problem: Problem) -> bool:
    """Whether tangents can be carried through all operations, and give the product of the kept graph."""
    few = piece(problem.chunks[0], slice(0, min(2, problem.chunks[0].samples)))
    v = torch.randn(problem.size, dtype=problem.dtype, generator=torch.Generator().manual_seed(0)).to(problem.device)
    try:
        ahead = _ahead(problem, few, v)
    except (NotImplementedError, RuntimeError):
        return False
    with problem.conditions():
        product = _second_derivative(problem, few)(v)
    return float((ahead - product).norm()) <= problem.eps**0.4 * float(product.norm())


@unrounded
def ggn(problem: Problem, likelihood: Likelihood | None = None) -> Operator:
    """The generalised Gauss-Newton matrix, mean of JᵀHJ with H the loss' Hessian in the outputs, plus l2.

    It is the Fisher information where the loss is a negative log-likelihood in its natural parameters, as the
    cross-entropy of logits and the squared error are. Where a slope does not depend on the outputs it is zero, as for
    log-probabilities with `NLLLoss`; the record then says so. With a declared likelihood H is the Fisher information in
    the outputs, and the matrix that of the model, in whatever form its outputs are. What the loss takes from the
    parameters directly counts with its own second derivatives. Source: schraudolph2002fast.

    Args:
        problem: What is measured.
        likelihood: "categorical", "gaussian" (of variance 1), "bernoulli" or "poisson", or a function from outputs to
            a `torch.distributions.Distribution` of the targets; summed over all but the samples.

    Raises:
        NotMeasurableError: If the graph of one sample does not fit into the memory, or a derivative is wrong or
            missing.

    Example:
        For a linear model it is the Hessian:

        >>> model = torch.nn.Linear(2, 3).double()
        >>> data = (torch.eye(2, dtype=torch.float64), torch.tensor([0, 2]))
        >>> problem = Problem(model, torch.nn.functional.cross_entropy, data)
        >>> torch.allclose(ggn(problem).to_dense(), hessian(problem).to_dense())
        True
        >>> torch.allclose(ggn(problem, "categorical").to_dense(), hessian(problem).to_dense())
        True
    """
    within = _Within(likelihood)
    flat = []
    if likelihood is not None and problem.structure.weighted:
        problem = copy.copy(problem)  # a likelihood knows of no weights, and leaves no sample out
        problem.structure = replace(problem.structure, weighted=False, reference=None)

    def check(chunk: Chunk) -> None:
        verify(problem, chunk, within.product, within.differences, "Gauss-Newton matrix")
        flat.append(within.is_flat(problem, chunk))

    matrix = ChunkSum(
        problem,
        lambda chunk: within.product(problem, chunk),
        check=check,
        shift=problem.l2,
        rich=lambda chunk: within.image(problem, chunk),
    )
    notes = [problem.record["note"]] if "note" in problem.record else []
    record = {"note": " ".join([*notes, FLAT])} if any(flat) else {}
    if likelihood is not None:
        record["likelihood"] = likelihood if isinstance(likelihood, str) else "a function"
    return matrix.operator("ggn", **record)


class _Within:
    """The loss as a function of the outputs, and products with its curvature there.

    Args:
        likelihood: In the place of the loss, if given.
    """

    def __init__(self, likelihood: Likelihood | None):
        self.likelihood = likelihood

    def product(self, problem: Problem, chunk: Chunk) -> Product:
        """Product with a chunk's share."""
        leaves = problem.leaves()
        outputs = problem.outputs(leaves, chunk.inputs)
        ends = _differentiable(outputs)
        push = kept_jacobian(ends, leaves)
        inner, slopes = self._slopes(problem, chunk, outputs, outputs, problem.parts(problem.start))

        def product(v: Tensor) -> Tensor:
            parts = problem.parts(v)
            curved = pull(slopes, inner, (*push(parts), *parts[: len(inner) - len(ends)]))
            product = flatten(pull(ends, leaves, curved[: len(ends)]))
            return product + flatten(curved[len(ends) :]) if len(inner) > len(ends) else product

        return product

    def differences(self, problem: Problem, chunk: Chunk, v: Tensor, step: float, sides: Sides) -> Tensor:
        """The same from differences of outputs and slopes."""
        leaves = problem.leaves()
        outputs = problem.outputs(leaves, chunk.inputs)
        ahead, back = (
            [t.detach() for t in _differentiable(problem.outputs(problem.parts(problem.start + s * v), chunk.inputs))]
            for s in (step, -step)
        )
        slopes = []
        for sign in (1, -1):
            changes = iter([sign * (a - b) / 2 for a, b in zip(ahead, back, strict=True)])
            shifted = mapped(lambda t, c=changes: t.detach() + next(c) if t.is_floating_point() else t, outputs)
            point = problem.parts(problem.start + sign * step * v)
            slopes.append(self._slopes(problem, chunk, outputs, shifted, point)[1])
        curved = [(a - b).detach() / (2 * step) for a, b in zip(*slopes, strict=True)]
        ends = _differentiable(outputs)
        product = flatten(pull(ends, leaves, curved[: len(ends)]))
        return product + flatten(curved[len(ends) :]) if len(curved) > len(ends) else product

    def image(self, problem: Problem, chunk: Chunk) -> Tensor | None:
        """JᵀHu for a random change u of the outputs, in the range of the matrix; None where there is none."""
        try:
            with problem.conditions():
                leaves = problem.leaves()
                outputs = problem.outputs(leaves, chunk.inputs)
                ends = _differentiable(outputs)
                inner, slopes = self._slopes(problem, chunk, outputs, outputs, problem.parts(problem.start))
                draw = torch.Generator().manual_seed(0)
                u = [torch.randn(s.shape, dtype=s.dtype, generator=draw).to(s.device) for s in slopes]
                return flatten(pull(ends, leaves, pull(slopes, inner, u)[: len(ends)]))
        except (NotMeasurableError, RuntimeError):  # it only saves products
            return None

    def is_flat(self, problem: Problem, chunk: Chunk) -> bool:
        """Whether the slopes depend on nothing."""
        with problem.conditions():
            point = problem.parts(problem.start)
            outputs = problem.outputs(point, chunk.inputs)
            inner, slopes = self._slopes(problem, chunk, outputs, outputs, point)
            curved = pull(slopes, inner, [torch.randn_like(slope) for slope in slopes])
        return not any(bool((part != 0).any()) for part in curved)

    def _slopes(
        self, problem: Problem, chunk: Chunk, origin: Any, outputs: Any, point: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What the loss is a function of, and its slopes, with a graph.

        What it takes from the parameters directly counts as an output of its own, the parameter itself.
        """
        free = mapped(lambda t: t.detach().requires_grad_(t.is_floating_point()), outputs)
        if self.likelihood is None:
            taken = tuple(p.detach().clone().requires_grad_() for p in point) if problem.structure.direct else ()
            loss = problem.weight(chunk) * problem.loss_of(taken or point, free, chunk.targets)
        else:
            taken = ()
            away = divergence(self.likelihood, mapped(torch.detach, origin))
            loss = chunk.samples / problem.samples * away(free)
        inner = (*_differentiable(free), *taken)
        if not loss.requires_grad:
            return inner, tuple(torch.zeros_like(t) for t in inner)
        return inner, torch.autograd.grad(loss, inner, create_graph=True, materialize_grads=True)


def _differentiable(outputs: Any) -> list[Tensor]:
    """The tensors of the outputs that the loss can be differentiated in."""
    for leaf in tree_flatten(outputs)[0]:
        if leaf is not None and not isinstance(leaf, Tensor | bool | int | float | str):
            raise NotMeasurableError(
                f"The outputs hold a {type(leaf).__name__}, which cannot be taken apart: the Gauss-Newton matrix needs "
                "them as tensors, in tuples, lists or dicts."
            )
    return [tensor for tensor in tensors_in(outputs) if tensor.is_floating_point()]

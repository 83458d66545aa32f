"""Curvature layer by layer: the diagonal blocks of the Hessian, from one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.coordinates import flatten
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.products import ChunkSum, pull
from inertialab.verification.measure.selfcheck import Sides, gradient_difference, verify
from inertialab.verification.measure.tape import Product

Layers = Mapping[str, Sequence[str]]
"""Names of the parameters of each layer."""


@unrounded
def layer_hessians(problem: Problem, layers: Layers | None = None) -> dict[str, Operator]:
    """The diagonal blocks of the Hessian, penalty included, each as an operator of its own size.

    The graph of the gradient is made and kept once for all. A product with a block is a backward pass from the gradient
    of its parameters to these parameters alone.

    Args:
        problem: What is measured.
        layers: Parameters of each layer; by default those of each module.

    Raises:
        ValueError: If a parameter is not measured, or stands in two layers.
        NotMeasurableError: As of `hessian`.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(1, 1, bias=False)).double()
        >>> square = lambda outputs, targets: (outputs - targets).square().mean()
        >>> problem = Problem(model, square, (torch.eye(2, dtype=torch.float64), torch.zeros(2, 1)))
        >>> {name: block.size for name, block in layer_hessians(problem).items()}
        {'0': 2, '1': 1}
    """
    places = _places(problem, layers or _modules(problem.names))

    def make(problem: Problem, chunk: Chunk) -> Product:
        leaves = problem.leaves()
        loss = problem.weight(chunk) * problem.mean_loss(leaves, chunk)
        gradients = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)

        def product(v: Tensor) -> Tensor:
            parts = problem.parts(v)
            found = [torch.zeros_like(part) for part in parts]
            for block in places.values():
                own = [parts[i] for i in block]
                if any(bool(part.any()) for part in own):
                    pulled = pull([gradients[i] for i in block], [leaves[i] for i in block], own)
                    for i, part in zip(block, pulled, strict=True):
                        found[i] = part
            return flatten(found)

        return product

    def differences(problem: Problem, chunk: Chunk, v: Tensor, step: float, sides: Sides) -> Tensor:
        total = torch.zeros_like(v)
        for block in places.values():
            inside = _mask(problem, block).to(v)
            total += inside * gradient_difference(problem, chunk, inside * v, step)
        return total

    matrix = ChunkSum(
        problem,
        lambda chunk: make(problem, chunk),
        check=lambda chunk: verify(problem, chunk, make, differences, "Hessian of the layers"),
        shift=problem.l2,
        record=False,  # which blocks are asked for differs from product to product
    )
    whole = matrix.operator("hessian of a layer")
    return {name: _restricted(whole, _mask(problem, block), name) for name, block in places.items()}


def _restricted(whole: Operator, inside: Tensor, name: str) -> Operator:
    """An operator on some coordinates, which leaves those it is given."""
    size = int(inside.sum())

    def rows(rows: Tensor) -> Tensor:
        full = rows.new_zeros(len(rows), whole.size)
        full[:, inside] = rows
        return whole.rows(full)[:, inside]

    return Operator(size, rows, whole.dtype, whole.device, whole.max_bytes, {**whole.record, "layer": name})


def _modules(names: Sequence[str]) -> dict[str, list[str]]:
    """The parameters of each module that has some of its own."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition(".")[0], []).append(name)
    return found


def _places(problem: Problem, layers: Layers) -> dict[str, list[int]]:
    known = {name: i for i, name in enumerate(problem.names)}
    every = [name for names in layers.values() for name in names]
    for name in every:
        if name not in known or every.count(name) > 1:
            what = "stands in two layers" if name in known else f"is not measured; these are: {', '.join(known)}"
            raise ValueError(f"The parameter {name!r} {what}.")
    return {layer: [known[name] for name in names] for layer, names in layers.items()}


def _mask(problem: Problem, block: Sequence[int]) -> Tensor:
    """Which of the P coordinates belong to some parameters."""
    ends = [0, *accumulate(problem.sizes)]
    inside = torch.zeros(problem.size, dtype=torch.bool, device=problem.device)
    for i in block:
        inside[ends[i] : ends[i + 1]] = True
    return inside

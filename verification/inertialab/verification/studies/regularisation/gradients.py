"""Gradients of single examples beside the derivatives of their losses by pre-activations."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.har.penalty import JacobianPenalty, example_losses
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.problem import Problem as MeasuredProblem
from inertialab.verification.measure.trace import trace
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import minimum


def drawn_networks(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Smallest and largest quotient over the examples at drawn weights, inputs and classes.

    Args:
        points: `model`, a row of `MODELS`, `inputs`, `classes` and `samples`.
        rng: Of weights, inputs and classes.
        device: Where to run.
        tick: Called after each point.
    """
    found: list[Measurement] = []
    for point in points:
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        model = MODELS[point["model"]](point["inputs"], point["classes"], generator).to(device)
        x = torch.randn(point["samples"], point["inputs"], generator=generator, dtype=torch.float64).to(device)
        y = torch.randint(point["classes"], (point["samples"],), generator=generator).to(device)
        found += _both_ends(point, quotients(model, x, y))
        tick()
    return Findings(tuple(found))


def trained_networks(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Smallest and largest quotient over the examples of a data set at a minimum.

    Facts tell the mean penalty and the trace of the Hessian of every class.

    Args:
        points: `data`, `model` and `l2`.
        rng: Of the weights that training starts from.
        device: Where to run.
        tick: Called after each point.
    """
    found: list[Measurement] = []
    facts = {}
    for point in points:
        problem, at, _ = minimum(point["data"], point["model"], point["l2"], rng, device)
        found += _both_ends(point, quotients(_placed(problem, at), problem.inputs, problem.targets))
        facts[f"{point['model']} on {point['data']}"] = by_class(problem, at, torch_generator(rng, device))
        tick()
    return Findings(tuple(found), facts)


def by_class(problem: Problem, at: Tensor, generator: torch.Generator) -> list[dict[str, float]]:
    """Mean squared derivative of the loss by all linear layers, and trace of the Hessian, over each class's samples.

    Args:
        problem: What was trained; its L2 penalty is left out.
        at: Parameters, shape (P,).
        generator: Of the probes for the trace.
    """
    model = _placed(problem, at)
    layers = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    penalty = JacobianPenalty(model, layers, of="loss")
    return by_group(penalty, problem.inputs, problem.targets, problem.targets, generator, loss=problem.loss)


def by_group(
    penalty: JacobianPenalty,
    x: Tensor,
    y: Tensor,
    groups: Tensor,
    generator: torch.Generator,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    products: int = 200,
) -> list[dict[str, float]]:
    """Mean penalty, and trace of the Hessian of the mean loss, over each group's examples, with standard errors.

    Args:
        penalty: Of the model that is measured.
        x: Inputs, shape (N, ...).
        y: Targets, shape (N,).
        groups: Shape (N,).
        generator: Of the probes for the trace.
        loss: Mean over a batch, of outputs and targets.
        products: Most products with the Hessian for a trace.
    """
    found = []
    for k in groups.unique():
        part = x[groups == k], y[groups == k]
        sizes = penalty(*part).detach()
        traced = trace(
            hessian(MeasuredProblem(penalty.model, loss, part)), generator=generator, max_matvecs=products
        ).estimate
        spread = sizes.std().item() / len(sizes) ** 0.5
        found.append(
            {
                "penalty": sizes.mean().item(),
                "penalty error": spread,
                "trace": traced.value,
                "trace error": traced.se,
            }
        )
    return found


def _placed(problem: Problem, at: Tensor) -> nn.Module:
    """A copy of the model with these parameters."""
    model = copy.deepcopy(problem.model)
    nn.utils.vector_to_parameters(at, model.parameters())
    return model


def _both_ends(point: Mapping[str, Any], values: Tensor) -> list[Measurement]:
    return [Measurement("split", point, Estimate(float(v))) for v in (values.min(), values.max())]


def quotients(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Squared gradient of each example's loss over what its linear layers make of it, shape (B,)."""
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(named: dict[str, Tensor], one: Tensor, target: Tensor) -> Tensor:
        return example_losses(functional_call(model, named, (one[None],)), target[None])[0]

    gradients = vmap(grad(loss), (None, 0, 0))(weights, x, y)
    whole = torch.stack([g.flatten(1).square().sum(1) for g in gradients.values()]).sum(0)
    layers = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    inputs: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, given: inputs.update({name: given[0]})

    handles = [model.get_submodule(name).register_forward_pre_hook(keep(name)) for name in layers]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    parts = [
        (1 + inputs[name].square().sum(1)) * JacobianPenalty(model, [name], of="loss")(x, y).detach() for name in layers
    ]
    return whole / torch.stack(parts).sum(0)

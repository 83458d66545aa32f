"""What the outputs of a model say of its targets: distributions, and targets drawn from them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Distribution, Normal, Poisson, kl_divergence

from inertialab.verification.measure.batches import Chunk
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.measurable import NotMeasurableError
from inertialab.verification.measure.problem import Problem

Likelihood = str | Callable[[Any], Distribution]
"""A name, or a function from outputs to the distribution of their targets."""

LIKELIHOODS: dict[str, Callable[[Tensor], Distribution]] = {
    "categorical": lambda outputs: Categorical(logits=outputs if outputs.ndim < 3 else outputs.movedim(1, -1)),
    "gaussian": lambda outputs: Normal(outputs, torch.ones_like(outputs)),
    "bernoulli": lambda outputs: Bernoulli(logits=outputs),
    "poisson": lambda outputs: Poisson(outputs.exp()),
}
"""Logits or log-probabilities of classes in dimension 1; means, of variance 1; logits; logarithms of rates."""


def declared(likelihood: Likelihood) -> Callable[[Any], Distribution]:
    """The function that a likelihood stands for.

    Raises:
        ValueError: If there is none of this name.
    """
    if not isinstance(likelihood, str):
        return likelihood
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"likelihood must be one of {', '.join(LIKELIHOODS)}, or a function; got {likelihood!r}.")
    return LIKELIHOODS[likelihood]


def divergence(likelihood: Likelihood, at: Any) -> Callable[[Any], Tensor]:
    """Mean over samples of the divergence from the distribution at given outputs, as a function of outputs.

    Its second derivatives there are the Fisher information in the outputs, whatever the distribution.
    """
    law = declared(likelihood)
    here = law(at)

    def mean(outputs: Any) -> Tensor:
        each = kl_divergence(here, law(outputs))
        return each.sum() / len(each)

    return mean


@unrounded
def drawn(problem: Problem, likelihood: Likelihood, draws: int, generator: torch.Generator) -> Problem:
    """The same model with the negative log-likelihood of targets drawn from its own outputs, without penalty.

    Args:
        problem: What is measured.
        likelihood: Distribution of the targets.
        draws: Targets for each sample.
        generator: Source of the targets.
    """
    law, devices = declared(likelihood), [problem.device] if problem.device.type == "cuda" else []
    if not problem.structure.separable and not problem.structure.direct:
        raise NotMeasurableError(
            "The outputs do not start with the sample: targets cannot be drawn for each. Return logits or means from "
            "the model, not its loss."
        )

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        return -law(outputs).log_prob(targets).sum() / len(targets)

    if problem.streamed:
        raise NotMeasurableError(
            "The data are read anew for every pass, and drawn targets would have to be kept: ggn(problem, likelihood) "
            "is the Fisher information without drawing; or allow more memory with max_bytes."
        )
    other = copy.copy(problem)
    point, chunks = problem.parts(problem.start), []
    with torch.random.fork_rng(devices=devices), problem.conditions():
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator, device=generator.device)))
        for chunk in list(problem.chunks) * draws:
            chunks.append(Chunk(chunk.inputs, law(problem.outputs(point, chunk.inputs)).sample()))
    other.loss, other.chunks, other.l2, other.samples = loss, chunks, 0.0, draws * problem.samples
    other.structure = replace(problem.structure, weighted=False, separable=True, direct=False, reference=None)
    other.record = {**problem.record, "l2": 0.0, "draws": draws}
    return other

"""How strongly each group is to be regularised: from its noise and its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.penalty import Of

Loss = Literal["logistic", "squared"]
Fit = Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]]
"""Trains on inputs and targets; returns predictions of inputs: numbers, or probabilities of shape (N, K)."""

EXPONENTS: dict[tuple[Loss, Of], float] = {
    ("logistic", "output"): 3 / 5,
    ("squared", "output"): 2 / 5,
    ("logistic", "loss"): -2 / 5,
    ("squared", "loss"): -3 / 5,
}
"""Power of a group's noise in its optimal strength, by loss and by what the penalty differentiates.

The squared derivative of the loss already carries one power of the noise: what is 3/5 for the output is -2/5 for it.
"""
OF_COUNTS = -2 / 5
"""Power of a group's density of examples."""


@dataclass(frozen=True)
class GroupNoise:
    """Noise of the labels by group.

    Attributes:
        groups: Names of the groups as given, shape (K,), sorted.
        noise: Mean squared residual on examples not trained on, shape (K,); for classes the sum over classes of
            (label - probability)², which is the variance p(1-p) of a label, twice for two classes.
        counts: Examples, shape (K,).
        errors: Standard errors of `noise`, shape (K,).
    """

    groups: Tensor
    noise: Tensor
    counts: Tensor
    errors: Tensor


def har_strengths(noise: Tensor, counts: Tensor, loss: Loss = "logistic", of: Of = "output") -> Tensor:
    """Relative strengths of a squared penalty by group, of geometric mean 1, shape (K,).

    The strength per example that makes the local error smallest goes with noise^a · counts^(-2/5): with the derivative
    of the output a is 3/5 for the logistic loss and 2/5 for the squared one; with that of the loss, -2/5 and -3/5.
    `counts` stands for the density of examples, so groups should cover comparable parts of the inputs.

    Args:
        noise: Variance of a label by group, positive, shape (K,), in any unit.
        counts: Examples by group, positive, shape (K,).
        loss: logistic (cross-entropy) or squared.
        of: What the penalty differentiates.

    Raises:
        WrongInputError: If shapes differ, an option is none, or a number is not positive and finite.

    >>> har_strengths(torch.tensor([1.0, 32.0]), torch.tensor([10, 10]), loss="squared")
    tensor([0.5000, 2.0000])
    """
    if (loss, of) not in EXPONENTS:
        raise WrongInputError(f"Strengths are for a loss logistic or squared, of output or loss; got {loss!r}, {of!r}.")
    if noise.ndim != 1 or noise.shape != counts.shape or not len(noise):
        raise WrongInputError(f"Give one noise and one count a group; got {list(noise.shape)}, {list(counts.shape)}.")
    for name, values in (("noise", noise), ("count", counts)):
        bad = ~(torch.isfinite(values) & (values > 0))
        if bad.any():
            at = int(bad.nonzero()[0, 0])
            raise WrongInputError(
                f"Group {at} has {name} {values[at].item():g}; a strength needs one that is positive and finite."
            )
    logs = EXPONENTS[loss, of] * noise.log() + OF_COUNTS * counts.to(noise.dtype).log()
    return (logs - logs.mean()).exp()


def squared_residuals(predicted: Tensor, targets: Tensor) -> Tensor:
    """(label - prediction)² of each example, summed over classes or outputs, shape (N,).

    Args:
        predicted: Numbers, shape (N,) or (N, 1), or probabilities, shape (N, K), where targets are classes.
        targets: Numbers, or classes as whole numbers, shape (N,).
    """
    if not targets.dtype.is_floating_point:
        targets = torch.nn.functional.one_hot(targets.long(), predicted.shape[1]).to(predicted.dtype)
    return (predicted.reshape(len(predicted), -1) - targets.reshape(len(targets), -1)).square().sum(1)


def folds_of(groups: Tensor, folds: int, generator: torch.Generator | None = None) -> Tensor:
    """A fold for each example, every group spread evenly over all, shape (N,).

    Args:
        groups: Group of each example, shape (N,).
        folds: Number of folds, at least 2.
        generator: Of the order.

    Raises:
        WrongInputError: If there is one fold, or a group has fewer examples than would leave two in every fold.
    """
    if folds < 2:
        raise WrongInputError(f"Cross-fitting takes at least 2 folds, got {folds}.")
    found = torch.empty(len(groups), dtype=torch.long)
    for group in groups.unique():
        members = (groups == group).nonzero()[:, 0]
        if len(members) < 2 * folds:
            raise WrongInputError(
                f"Group {group.item():g} has {len(members)} examples; cross-fitting in {folds} folds takes {2 * folds}."
            )
        members = members[torch.randperm(len(members), generator=generator)]
        found[members] = torch.arange(len(members)) % folds
    return found


def group_noise(
    fit: Fit, x: Tensor, y: Tensor, groups: Tensor, *, folds: int = 2, generator: torch.Generator | None = None
) -> GroupNoise:
    """Noise of the labels by group, from residuals of examples that the fit has not seen.

    What the fit misses counts as noise: the estimate is too high where a function is hard to fit.

    Args:
        fit: Trains on inputs and targets and returns a function that predicts.
        x: Inputs, shape (N, ...).
        y: Targets, shape (N,): numbers, or classes as whole numbers.
        groups: Group of each example, whole numbers, shape (N,).
        folds: Each example is predicted by a fit on the other folds.
        generator: Of the folds.

    Raises:
        WrongInputError: If lengths differ, a group is too small, or a prediction is not finite.
    """
    if not len(x) == len(y) == len(groups):
        raise WrongInputError(f"Give one target and one group an example; got {len(x)}, {len(y)}, {len(groups)}.")
    fold, residuals = folds_of(groups, folds, generator), torch.zeros(len(x), dtype=torch.float64)
    for k in range(folds):
        inside = fold != k
        predicted = fit(x[inside], y[inside])(x[~inside]).detach()
        residuals[~inside] = squared_residuals(predicted, y[~inside]).double()
    if not torch.isfinite(residuals).all():
        raise WrongInputError("A fit for the noise predicts what is not finite; take a smaller learning rate.")
    names, index = groups.unique(return_inverse=True)
    each = [residuals[index == k] for k in range(len(names))]
    noise, errors = torch.stack([r.mean() for r in each]), torch.stack([r.std() / len(r) ** 0.5 for r in each])
    return GroupNoise(names, noise, torch.bincount(index), errors)

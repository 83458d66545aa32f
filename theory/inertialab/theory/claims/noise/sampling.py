"""Gradient noise and the way in which batches are drawn."""

import itertools

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    B_count,
    n_samples,
    sampling_factor,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


@claim(
    "noise.sampling",
    sampling_factor,
    (n_samples, B_count),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((n_samples >= 2, B_count <= n_samples), "A batch without replacement has at most all samples."),
    slips=(("n_samples * (n_samples - 1) * pair", "n_samples**2 * pair"),),
)
def noise_sampling() -> Derivation:
    """Variance of a minibatch gradient drawn without replacement, over that with replacement: (N - B)/(N - 1).

    With replacement the batch mean of B independent samples has variance Σ/B. Without, two members of a batch have
    covariance -Σ/(N - 1), because all N deviations sum to zero. An epoch of shuffled batches adds that partial sums
    of t of n batches have variance tC(n - t)/(n - 1) and end at zero.
    """
    spread = sp.Symbol("Sigma", positive=True)
    pair = sp.Symbol("c")
    (covariance,) = sp.solve(n_samples * spread + n_samples * (n_samples - 1) * pair, pair)
    yield Step("Covariance of two samples of one batch", None, -spread / (n_samples - 1), equals=covariance)
    together = (B_count * spread + B_count * (B_count - 1) * covariance) / B_count**2
    alone = spread / B_count
    yield Step("All samples in one batch: no noise", None, sp.Integer(0), equals=together.subs(B_count, n_samples))
    batches, taken = sp.symbols("n t", positive=True)
    partial = taken * together + taken * (taken - 1) * _between_batches(batches, together)
    stated = taken * together * (batches - taken) / (batches - 1)
    yield Step("Partial sum of t of n shuffled batches", None, sp.factor(stated), equals=partial)
    yield Step("A whole epoch", None, sp.Integer(0), equals=stated.subs(taken, batches))
    yield from _enumerated()
    return proven((n_samples - B_count) / (n_samples - 1), equals=together / alone)


def _between_batches(batches: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Covariance of two batches of one epoch, whose sum over the epoch does not vary."""
    return -variance / (batches - 1)


def _enumerated() -> Derivation:
    """All batches of two out of four samples, drawn from the rule itself."""
    values = sp.symbols("g_1:5", real=True)
    mean = sum(values) / 4
    spread = sum((value - mean) ** 2 for value in values) / 4
    pairs = list(itertools.combinations(values, 2))
    found = sum((sum(pair) / 2 - mean) ** 2 for pair in pairs) / len(pairs)
    yield Step("Two of four samples, all six batches written out", None, sp.expand(spread / 3), equals=sp.expand(found))

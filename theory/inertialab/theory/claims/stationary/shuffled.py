"""Stationary variance of SGD when the batches of an epoch share out the data."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import STABLE, sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    C,
    V,
    eta,
    factor,
    h,
    n_batches,
    var,
)
from inertialab.theory.numerics import shuffled_variance
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "sgd.shuffled-variance",
    var,
    (eta, h, C, n_batches),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((*STABLE.conditions, n_batches >= 2), STABLE.note),
    source=Source("kuehn2023correlated", "weight variance of epoch-based SGD"),
    uses=("sgd.stationary-variance",),
    where={factor: 1 - eta * h},
    numerics=shuffled_variance,
    limits=(({"C": 0.0}, 0.0),),
    slips=(("n * C + n * (n - 1) * shared", "n * C + n**2 * shared"),),
)
def sgd_shuffled_variance() -> Derivation:
    """Stationary variance of SGD under epochs of shuffled minibatches, mean over the steps of an epoch.

    The noises of one epoch sum to zero, so two of them have covariance -C/(n - 1): what one step adds, the rest of
    the epoch takes back. With r = 1 - ηh and n minibatches the variance after t steps of an epoch is
    r²ᵗV₀ + η²C n/(n - 1) [Σr²ʲ - (Σrʲ)²/n] with sums over j < t, and V₀ must come back after n steps.
    """
    n, r, k = n_batches, 1 - eta * h, sp.Symbol("t", integer=True, nonnegative=True)
    shared = sp.Symbol("c")
    (covariance,) = sp.solve(n * C + n * (n - 1) * shared, shared)
    yield Step("Noises that sum to zero have the covariance", None, -C / (n - 1), equals=covariance)
    unit = eta**2 * C * n / (n - 1)

    def plain(count: sp.Expr) -> sp.Expr:
        return (1 - r**count) / (1 - r)

    def square(count: sp.Expr) -> sp.Expr:
        return (1 - r ** (2 * count)) / (1 - r**2)

    def kicks(count: sp.Expr) -> sp.Expr:
        return unit * (square(count) - plain(count) ** 2 / n)

    # One step multiplies by r, adds noise, and meets the noise of the same epoch that is already there.
    before = eta**2 * covariance * plain(k)
    following = r**2 * kicks(k) + eta**2 * C + 2 * r * before
    yield Step("Variance of the kicks of t steps: nothing at the start", None, sp.Integer(0), equals=kicks(sp.S(0)))
    yield Step("and from step to step", V(k + 1), kicks(k + 1), equals=following)
    start = kicks(n) / (1 - r ** (2 * n))
    yield Step("The variance at the start of an epoch comes back", None, start, equals=r ** (2 * n) * start + kicks(n))
    # Sums over the steps of an epoch, each checked by its first value and its increment.
    total_square = (k - square(k)) / (1 - r**2)
    total_plain = (k - 2 * plain(k) + square(k)) / (1 - r) ** 2
    for name, total, term in (
        ("of sums of squares", total_square, square(k)),
        ("of squared sums", total_plain, plain(k) ** 2),
    ):
        yield Step(f"Sum {name} over an epoch, increment", None, term, equals=total.subs(k, k + 1) - total)
        yield Step(f"Sum {name} over no step", None, sp.Integer(0), equals=total.subs(k, 0))
    derived = start * square(n) / n + unit * (total_square - total_plain / n).subs(k, n) / n
    x = sp.Symbol("x", positive=True)
    flat = sp.limit(sp.limit((derived / sgd_stationary_variance.formula).subs(eta, x / (h * n)), n, sp.oo) / x, x, 0)
    yield Step("Where ηhn is small, the ratio to independent noise over ηhn", None, sp.Rational(1, 3), equals=flat)
    sums, squares = (1 - factor**n) / (1 - factor), (1 - factor ** (2 * n)) / (1 - factor**2)
    whole = squares - sums**2 / n
    inside = (n - squares) / (1 - factor**2) - (n - 2 * sums + squares) / (n * (1 - factor) ** 2)
    readable = eta**2 * C / (n - 1) * (whole / (1 - factor**2) + inside)
    return proven(readable, equals=derived, where={factor: r})

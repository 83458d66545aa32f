"""Stationary variance of Adam, its second moment frozen."""

import sympy as sp

from inertialab.theory.claims.stationary.momentum import (
    momentum_stationary_variance,
)
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    B,
    C,
    beta,
    eta,
    eta_adam,
    h,
    var,
)
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim


@claim(
    "adam.stationary-variance",
    var,
    (eta_adam, h, B),
    kind="asymptotic",
    regime=Regime(
        (h > 0, eta_adam * sp.sqrt(B * h) <= sp.Rational(1, 5)),
        "Beyond it the relative error exceeds 5 %.",
    ),
    source=Source("xie2022adaptive", "second moment v = H/B near a minimum"),
    uses=("momentum.stationary-variance",),
    order=Order(eta_adam * sp.sqrt(B * h), 1, sp.Rational(1, 4) - (1 - beta) / (2 * (1 + beta))),
    layers=("simulation", "real"),
    limits=(({"B": 1e24}, 0.0),),
    slips=(
        ("{h: h / sp.sqrt(second), C: C / second}", "{h: h / sp.sqrt(second)}"),
        ("second: 1 + var", "second: 1 + 2 * var"),
    ),
)
def adam_stationary_variance() -> Derivation:
    """Stationary variance of Adam when the noise is the Hessian divided by the batch size.

    A slow second moment is a fixed preconditioner 1/√v: EMA momentum with curvature h/√v and noise C/v. It is
    the mean squared gradient v = C + h²⟨θ²⟩, so the variance obeys an equation of its own.
    """
    ratio = sp.Symbol("epsilon", positive=True)  # η√(Bh), the step relative to the width of the minimum
    yield Step("Noise in proportion to the curvature", C, h / B, assumed=True)
    yield Step("Second moment frozen at its mean", second, C + h**2 * var, assumed=True)
    frozen = momentum_stationary_variance.formula.subs({h: h / sp.sqrt(second), C: C / second}, simultaneous=True)
    leading = eta * C / (2 * h * sp.sqrt(second))
    yield Step(
        "Preconditioned law of momentum, leading order in η",
        None,
        leading,
        equals=sp.series(frozen, eta, 0, 2).removeO(),
    )
    readable = eta_adam / (2 * sp.sqrt(B * h))
    first = leading.subs({eta: eta_adam, second: h / B, C: h / B}, simultaneous=True)
    # Next order: insert the variance into v, with θ² in units of readable and η√(Bh) = ε.
    units = {eta: ratio, h: 1, C: 1, second: 1 + var}
    correction = sp.Symbol("c")
    trial = ratio / 2 * (1 + correction * ratio)
    residual = sp.series(frozen.subs(units, simultaneous=True).subs(var, trial) - trial, ratio, 0, 3).removeO()
    (found,) = sp.solve(residual.coeff(ratio, 2), correction)
    stated = (1 - beta) / (2 * (1 + beta)) - sp.Rational(1, 4)
    yield Step("Coefficient of η√(Bh) in the self-consistent variance", correction, stated, equals=found)
    return proven(readable, equals=first)

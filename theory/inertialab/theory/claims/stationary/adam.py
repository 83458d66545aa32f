"""Stationary variance of Adam, its second moment frozen."""

import sympy as sp

from inertialab.theory.claims.stationary.momentum import (
    momentum_stationary_variance,
)
from inertialab.theory.claims.stationary.response import adam_steps, in_settings
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    B,
    C,
    K,
    beta,
    beta2,
    eta,
    eta_adam,
    h,
    theta,
    var,
    xi,
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
        "Beyond it the relative error exceeds 5 %; a slow second moment, (1 - beta2)(K - 1) << 1.",
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

    A slow second moment, (1 - β₂)(K - 1) ≪ 1 with the kurtosis K of the gradient, is a fixed preconditioner 1/√v: EMA
    momentum with curvature h/√v and noise C/v. That its fluctuation changes nothing as β₂ tends to 1 follows from the
    response of each gradient's effect to it; `adam.stationary-variance-kurtosis` has the next term. v is the mean
    squared gradient C + h²⟨θ²⟩, so the variance obeys an equation of its own.
    """
    ratio = sp.Symbol("epsilon", positive=True)  # η√(Bh), the step relative to the width of the minimum
    yield Step("Noise in proportion to the curvature", C, h / B, assumed=True)
    found = yield from adam_steps()
    still = sp.limit(in_settings(found.factor), beta2, 1)
    yield Step("As β₂ tends to 1 the fluctuation of v changes nothing", None, sp.Integer(1), equals=still)
    square = sp.Poly(sp.expand((h * theta + xi) ** 2), theta, xi)
    means = {(2, 0): var, (0, 2): C}  # noise of mean zero, independent of θ, whose mean is zero as well
    gradient = sum(c * means.get(powers, sp.Integer(0)) for powers, c in square.terms())
    yield Step("Second moment at its mean, the mean squared gradient", second, C + h**2 * var, equals=gradient)
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


@claim(
    "adam.stationary-variance-kurtosis",
    var,
    (eta_adam, h, C, beta, beta2, K),
    kind="asymptotic",
    regime=Regime(
        (
            h > 0,
            C > 0,
            beta < 1,
            beta2 < 1,
            beta2 >= sp.Rational(9, 10),
            K >= 1,
            (1 - beta2) * (K - 1) <= sp.Rational(1, 8),
            eta_adam * h <= (1 - beta2) * sp.sqrt(C) / 5,
            1 - beta2 <= (1 - beta) / 10,
            eta_adam * h <= (1 - beta) * sp.sqrt(C) / 20,
        ),
        "To first order of the fluctuation, for symmetric noise, and a second moment slower than the momentum.",
    ),
    uses=("adam.stationary-variance",),
    layers=("simulation",),
    slips=(
        ("(1 + leading)", "(1 - leading)"),
        ("(1 - beta) / (1 - beta * beta2) * (K - 2)", "(1 - beta) / (1 - beta * beta2) * (K - 1)"),
    ),
)
def adam_stationary_variance_kurtosis() -> Derivation:
    """What the fluctuation of Adam's second moment adds to the stationary variance, by β₂ and the kurtosis K.

    A large gradient enters the root that divides it: Adam spreads less than under the mean second moment, by K - 2 in
    units of 1 - β₂ (the square of the mean gradient holds it back from the minimum by one part). What is left of
    earlier squares fluctuates and adds to the spread. Where the second moment is slower than the momentum, the momentum
    drops out.
    """
    found = yield from adam_steps()
    memory = (1 - beta) * (1 + beta * beta2) / ((1 + beta) * (1 - beta * beta2))
    own = (1 - beta2) * (
        (K - 1) / (1 + beta2) * (sp.Rational(3, 8) + memory / 4) - (1 - beta) / (1 - beta * beta2) * (K - 2)
    )
    yield Step("Relative change of the variance", None, own, equals=sp.factor(in_settings(found.factor)) - 1)
    slow = sp.Symbol("epsilon", positive=True)
    leading = sp.limit(sp.factor(own.subs(beta2, 1 - slow * (1 - beta2)) / slow), slow, 0)
    plain = adam_stationary_variance.formula.subs(sp.sqrt(B), sp.sqrt(h) / sp.sqrt(C))
    readable = eta_adam * sp.sqrt(C) / (2 * h) * (1 + (1 - beta2) * (1 - sp.Rational(11, 16) * (K - 1)))
    return proven(readable, equals=plain * (1 + leading))

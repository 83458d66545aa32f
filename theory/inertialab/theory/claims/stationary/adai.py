"""Stationary variance of Adai: its inertia at its mean, and what its fluctuation adds."""

import sympy as sp

from inertialab.theory.claims.stationary.momentum import momentum_stationary_variance
from inertialab.theory.claims.stationary.response import adai_steps, in_settings
from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    ADAI,
    MOMENTUM_EMA,
)
from inertialab.theory.notation import (
    C,
    K,
    beta,
    beta2,
    eta,
    h,
    kappa,
    var,
)
from inertialab.theory.notation import m as average
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

OWN = 2 * (1 - beta2) ** 2 / (1 - beta2 + beta2 * kappa) * (K - 2 + (K - 1) / ((1 + beta2) * (2 - kappa)))
"""Relative change of the variance by the fluctuation of the inertia."""


@claim(
    "adai.stationary-variance",
    var,
    (eta, h, C, kappa),
    kind="asymptotic",
    regime=Regime(
        (h > 0, kappa <= 1, eta * h <= 1),
        "A slow second moment, (1 - beta2)(K - 1) << 1 with kurtosis K of the gradient, and an inertia that is not "
        "clipped; `adai.stationary-variance-kurtosis` has the next term.",
        beside=(
            1 - beta2 <= sp.Rational(1, 40),
            50 * (1 - beta2) ** 2 * (5 * (K - 1) / 2 - 2) <= 1 - beta2 + kappa,  # a term of 2% at the most
        ),
    ),
    source=Source("xie2022adaptive", "Adai with frozen inertia"),
    uses=("momentum.stationary-variance",),
    layers=("simulation", "real"),
    limits=(
        ({"kappa": 1.0}, "sgd.stationary-variance"),
        ({"C": 0.0}, 0.0),
    ),
)
def adai_stationary_variance() -> Derivation:
    """Stationary variance of Adai under a slow second moment: EMA momentum with β = 1 - κ.

    The inertia κ of a coordinate follows its second moment relative to the mean over all coordinates. By how much a
    fluctuation of κ in one step changes where the parameter ends up follows from the sum over all later steps. To first
    order in its mean square and in its correlation with the gradients nothing is left as 1 - β₂ vanishes, and once the
    correction of the start has died away the update is that of EMA momentum.
    """
    found = yield from adai_steps()
    still = sp.limit(in_settings(found.factor), beta2, 1)
    yield Step("As β₂ tends to 1 the fluctuation changes nothing", None, sp.Integer(1), equals=still)
    new = dict(ADAI.assignments)[average]
    ema = dict(MOMENTUM_EMA.assignments)[average].subs(beta, 1 - kappa)
    yield Step("Adai's buffer is that of EMA momentum", average, ema, equals=new)
    derived = momentum_stationary_variance.formula.subs(beta, 1 - kappa)
    readable = eta * C * (2 - kappa) / (h * (2 * (2 - kappa) - eta * kappa * h))
    yield Step(
        "No inertia at κ = 1: the law of SGD", None, sgd_stationary_variance.formula, equals=readable.subs(kappa, 1)
    )
    return proven(readable, equals=still * derived)


@claim(
    "adai.stationary-variance-kurtosis",
    var,
    (eta, h, C, kappa, beta2, K),
    kind="asymptotic",
    regime=Regime(
        (
            h > 0,
            kappa <= sp.Rational(1, 5),
            beta2 < 1,
            beta2 >= sp.Rational(9, 10),
            K >= 1,
            (1 - beta2) * (K - 1) <= sp.Rational(1, 8),
            eta * h <= (1 - beta2) / 5,
            eta * h <= kappa,
        ),
        "To first order of the fluctuation, and of small inertia; for symmetric noise, and without clips.",
    ),
    uses=("adai.stationary-variance",),
    layers=("simulation",),
    limits=(({"C": 0.0}, 0.0),),
    slips=(("small * (1 + leading)", "small * (1 - leading)"), ("sp.Rational(5, 2)", "sp.Rational(3, 2)")),
)
def adai_stationary_variance_kurtosis() -> Derivation:
    """What the fluctuation of Adai's inertia adds to the stationary variance, by β₂ and the kurtosis K.

    The newest squared gradient enters the inertia that weighs it with 1 - β₂. Large gradients are thus weighed more,
    which spreads the parameter by K - 2 (the square of the mean gradient draws it back by one part), and a fluctuation
    that is left from earlier steps spreads it by the mean square response. Stated is the leading order in 1 - β₂ and κ
    together, which may be of any ratio.
    """
    found = yield from adai_steps()
    derived = in_settings(found.factor)
    yield Step("Relative change of the variance", None, OWN, equals=sp.factor(derived) - 1)
    slow = sp.Symbol("epsilon", positive=True)
    joint = OWN.subs({beta2: 1 - slow * (1 - beta2), kappa: slow * kappa}, simultaneous=True)
    leading = sp.limit(sp.factor(joint / slow), slow, 0)
    readable = eta * C / (2 * h) * (1 + (1 - beta2) ** 2 / (1 - beta2 + kappa) * (sp.Rational(5, 2) * (K - 1) - 2))
    small = sp.limit(adai_stationary_variance.formula / eta, eta, 0) * eta
    return proven(readable, equals=small * (1 + leading))

"""Stationary variance of Adai, its inertia frozen."""

from inertialab.theory.claims.stationary.momentum import momentum_stationary_variance
from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    ADAI,
    MOMENTUM_EMA,
)
from inertialab.theory.notation import (
    C,
    beta,
    eta,
    h,
    kappa,
    var,
)
from inertialab.theory.notation import m as average
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "adai.stationary-variance",
    var,
    (eta, h, C, kappa),
    kind="asymptotic",
    regime=Regime(
        (h > 0, kappa <= 1, eta * kappa * h < 2 * (2 - kappa)),
        "A stationary state needs a minimum and a stable step.",
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
    """Stationary variance of Adai with frozen inertia: EMA momentum with β = 1 - κ.

    The inertia of a coordinate follows a slow second moment, relative to the mean over all coordinates. Where it
    hardly fluctuates, and once the correction of the start has died away, the update is that of EMA momentum.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    new = dict(ADAI.assignments)[average]
    ema = dict(MOMENTUM_EMA.assignments)[average].subs(beta, 1 - kappa)
    yield Step("Adai's buffer is that of EMA momentum", average, ema, equals=new)
    derived = momentum_stationary_variance.formula.subs(beta, 1 - kappa)
    readable = eta * C * (2 - kappa) / (h * (2 * (2 - kappa) - eta * kappa * h))
    yield Step(
        "No inertia at κ = 1: the law of SGD", None, sgd_stationary_variance.formula, equals=readable.subs(kappa, 1)
    )
    return proven(readable, equals=derived)

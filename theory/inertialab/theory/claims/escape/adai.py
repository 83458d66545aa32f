"""Leaving a minimum by minibatch noise under Adai."""

import sympy as sp

from inertialab.theory.claims.escape.momentum import momentum_escape
from inertialab.theory.claims.escape.sgd import SGD_EXPONENT, SGD_REGIME, sgd_escape
from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    B,
    D,
    Ha,
    Hb,
    M,
    beta,
    det_ratio,
    dL,
    eta,
    gamma,
    kappa,
    s,
    tau,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "adai.escape",
    tau,
    (eta, B, Ha, Hb, dL, s, kappa),
    kind="asymptotic",
    regime=Regime((*SGD_REGIME.conditions, kappa <= 1, eta * Hb <= kappa), SGD_REGIME.note),
    source=Source("xie2022adaptive", "Adai escaping minima, exponent; prefactor derived here"),
    uses=("sgd.escape", "momentum.escape", "adai.stationary-variance"),
    layers=("simulation",),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(("{M: eta / kappa, gamma", "{M: eta, gamma"),),
)
def adai_escape() -> Derivation:
    """Mean escape time of Adai with frozen inertia: SGD's exponent, a larger prefactor.

    EMA momentum has γM = 1, so temperature and exponent are SGD's. Inertia matters at the saddle alone, where the
    noise is locally constant: Langer's growing root replaces H_b.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    yield Step("Away from the saddle friction is strong: this is small", None, 4 * eta * Ha / kappa, assumed=True)
    matched = {M: eta / kappa, gamma: kappa / eta}
    yield Step("Friction times inertia", None, sp.Integer(1), equals=(gamma * M).subs(matched))
    slower = (1 + sp.sqrt(1 + 4 * eta * Hb / kappa)) / 2
    strong = 2 * sp.pi / Hb * sp.sqrt(det_ratio) * sp.exp(dL / D)
    factor = (momentum_escape.rhs / strong).subs(matched)
    yield Step("Langer over Kramers at the saddle", None, slower, equals=factor)
    readable = sp.pi / Ha * (1 + sp.sqrt(1 + 4 * eta * Hb / kappa)) * sp.exp(SGD_EXPONENT)
    yield Step(
        "Without inertia, small steps: SGD", None, sgd_escape.rhs, equals=sgd_escape.rhs * sp.limit(slower, Hb, 0)
    )
    return proven(readable, equals=sgd_escape.rhs * factor)

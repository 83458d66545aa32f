"""Leaving a minimum by minibatch noise under Adai."""

import sympy as sp

from inertialab.theory.claims.escape.momentum import momentum_escape
from inertialab.theory.claims.escape.sgd import SGD_EXPONENT, SGD_REGIME, sgd_escape
from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAI
from inertialab.theory.notation import (
    B,
    D,
    D_x,
    Ha,
    Hb,
    M,
    beta,
    det_ratio,
    dL,
    eta,
    g,
    gamma,
    kappa,
    potential,
    rate_factor,
    s,
    tau,
    x_a,
    x_b,
)
from inertialab.theory.notation import m as average
from inertialab.theory.passage import inertial_correction
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

x = sp.Symbol("x", real=True)


@claim(
    "adai.escape",
    tau,
    (eta, B, Ha, Hb, dL, s, kappa),
    kind="asymptotic",
    regime=Regime(
        (
            *SGD_REGIME.conditions,
            kappa <= 1,
            *(20 * B * dL * one <= kappa * other for one, other in ((Ha, Hb), (Hb, Ha))),
        ),
        "Inertia with noise that depends on the place changes the exponent, adai.escape-inertial, unless it is as "
        "small as "
        f"this. {SGD_REGIME.note}",
    ),
    source=Source("xie2022adaptive", "Adai escaping minima, exponent; prefactor derived here"),
    uses=("sgd.escape", "momentum.escape", "adai.stationary-variance"),
    layers=("simulation",),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(("{M: eta / kappa, gamma", "{M: eta, gamma"),),
)
def adai_escape() -> Derivation:
    """Mean escape time of Adai with frozen inertia: SGD's exponent, a larger prefactor.

    EMA momentum has γM = 1, so temperature and exponent are SGD's where inertia is small beside the noise's change on
    the way. At the saddle the noise is locally constant, and Langer's growing root replaces H_b.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
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


@claim(
    "adai.escape-inertial",
    rate_factor,
    (eta, potential, D_x, kappa),
    kind="asymptotic",
    regime=Regime(
        (kappa <= 1,),
        "Low temperature, and small inertia: 4*eta*H is at most a third of kappa at both ends. Inertia keeps its "
        "value.",
    ),
    uses=("adai.escape", "sgd.escape-finite-step"),
    layers=("numerics", "simulation"),
    numerics=inertial_correction,
    slips=(
        ("before, after = -1, 1", "before, after = 0, 1"),
        ("push = sp.expand((now - (1 - kappa)", "push = sp.expand((now + (1 - kappa)"),
    ),
)
def adai_escape_inertial() -> Derivation:
    """Escape time of Adai over that of SGD's diffusion: inertia with noise that depends on the place.

    The noise that a path needs is what the steps of the buffer leave over: ẋ + L' + η(2 - κ)ẍ/2κ. On SGD's path
    upwards, ẋ = L', the last term changes the exponent in first order by η(2 - κ)/4κ times ∫D'(L'/D)²dx: nothing where
    D is constant, and an acceleration where the noise falls on the way up. Without inertia, κ = 1, it is the
    correction of sgd.escape-finite-step. At the saddle Langer's factor remains.
    """
    (moved,) = [e for symbol, e in ADAI.assignments if symbol == average]
    noise, now, early = sp.symbols("xi v_1 v_0", real=True)
    buffers = {average: -early / eta, g: sp.Symbol("L_1") + noise}
    needed = sp.solve(sp.expand(moved.subs(buffers)) + now / eta, noise)[0]
    shown = -(now - (1 - kappa) * early) / (eta * kappa) - sp.Symbol("L_1")
    yield Step("Noise of a step v₁ after a step v₀, buffers being -v/η", None, shown, equals=needed)
    time, speed, bend = sp.symbols("t v a", real=True)
    path = speed * time + bend * time**2 / 2
    before, after = -1, 1
    steps = {early: -path.subs(time, before * eta), now: path.subs(time, after * eta)}
    push = sp.expand((now - (1 - kappa) * early).subs(steps) / (eta * kappa))
    inertia = eta * (2 - kappa) / (2 * kappa)
    yield Step("On a smooth path", None, speed + inertia * bend, equals=push)
    L, D_of = sp.Function("L")(x), sp.Function("D")(x)
    slope = sp.diff(L, x)
    small = sp.Symbol("small")
    cost = (speed + slope + small * inertia * bend) ** 2 / (4 * D_of)
    upwards = {bend: slope * sp.diff(slope, x), speed: slope}
    first = sp.expand(cost).coeff(small, 1).subs(upwards) / slope
    yield Step(
        "First order of its cost on the way up, per length",
        None,
        inertia * slope * sp.diff(slope, x) / D_of,
        equals=first,
    )
    density = inertia / 2 * sp.diff(D_of, x) * (slope / D_of) ** 2
    total = sp.diff(inertia * slope**2 / (2 * D_of), x)
    yield Step("It differs by a derivative, 0 at both ends, from", None, density, equals=first - total)
    yield Step(
        "Without inertia: as for steps of SGD",
        None,
        density.subs(kappa, 1),
        equals=eta * sp.diff(D_of, x) * (slope / D_of) ** 2 / 4,
    )
    slower = (1 + sp.sqrt(1 + 4 * eta * Hb / kappa)) / 2
    langer = (adai_escape.rhs / sgd_escape.rhs).subs({s: 1})
    yield Step("Langer's factor at the saddle", None, slower, equals=langer)
    return proven(
        slower
        * sp.exp(eta * (2 - kappa) / (4 * kappa) * sp.Integral(sp.diff(D_of, x) * (slope / D_of) ** 2, (x, x_a, x_b))),
        equals=langer * sp.exp(sp.Integral(density, (x, x_a, x_b))),
    )

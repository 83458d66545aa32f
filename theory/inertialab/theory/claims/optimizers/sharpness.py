"""What sharpening a loss and counting escapes can say."""

import sympy as sp

from inertialab.theory.claims.escape.sgd import sgd_escape
from inertialab.theory.claims.optimizers.scaling import scaling_identity
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import B, Ha, Hb, dL, eta, k_sharp, s, sharp_power
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

action = sp.Symbol("Q", positive=True)
constant = sp.Symbol("a", real=True)


@claim(
    "sharpness.exponent",
    sharp_power,
    (),
    kind="attributed",
    regime=Regime(
        (),
        "Low temperatures, and the prefactor 1/k in the fit: without it the slope is too large by k over the exponent. "
        "The power is that of SGD, heavy ball and Adai; that of Adam is one half.",
    ),
    source=Source("xie2021diffusion", "experiment: -log of the rate of escape against 1/k, B and 1/eta"),
    uses=("scaling.identity", "sgd.quasi-potential", "sgd.escape"),
    layers=("numerics", "simulation"),
    slips=(("rate = eta * scaling_identity.formula", "rate = eta * scaling_identity.formula**2"),),
)
def sharpness_exponent() -> Derivation:
    """The logarithm of the escape rate goes as 1/k when all curvatures grow by k, for whatever noise.

    SGD at η on L(√k θ) is SGD at kη on L, bit for bit (scaling.identity). An escape time that grows as e^{Q/η} does so
    as e^{Q/(kη)}, in 1/k as in the batch size, which only ever comes with η: the experiment confirms a law in the
    learning rate. Q may come from noise in proportion to the curvature or from any other, so that it says nothing of
    either, nor of two minima in one landscape (minima.occupation).
    """
    rate = eta * scaling_identity.formula
    at_rest = constant + action / eta
    yield Step("Low temperature, any noise: ln τ", None, at_rest, assumed=True)
    sharp = at_rest.subs(eta, rate) - sp.log(rate / eta)
    written = constant - sp.log(k_sharp) + action / (k_sharp * eta)
    yield Step("On the sharpened loss: as many steps as at kη, each of η", None, written, equals=sharp)
    published = sgd_escape.rhs.subs({Ha: k_sharp * Ha, Hb: k_sharp * Hb}, simultaneous=True)
    exponent = sp.log(sgd_escape.rhs * Ha / (2 * sp.pi))
    same = sp.expand_log(sp.log(published * k_sharp * Ha / (2 * sp.pi)), force=True)
    yield Step(
        "sgd.escape with k times the curvatures: the exponent over k",
        None,
        sp.expand(2 * B * dL * (s / Ha + (1 - s) / Hb) / (eta * k_sharp)),
        equals=sp.expand(same),
    )
    yield Step(
        "as at k times the learning rate",
        None,
        sp.expand(same),
        equals=sp.expand(sp.expand_log(exponent.subs(eta, k_sharp * eta), force=True)),
    )
    inverse = sp.Symbol("q", positive=True)  # 1/k
    slope = sp.diff(written.subs(k_sharp, 1 / inverse), inverse).subs(inverse, 1 / k_sharp)
    yield Step("A straight line in 1/k without the prefactor has the slope", None, action / eta + k_sharp, equals=slope)
    yield Step("over that of the exponent", None, 1 + eta * k_sharp / action, equals=slope * eta / action)
    climbed = sp.expand(written + sp.log(k_sharp) - constant)
    power = -sp.simplify(k_sharp * sp.diff(climbed, k_sharp) / climbed)
    yield Step("The published power, 1, over the derived", PUBLISHED_OVER_DERIVED, sp.Integer(1), equals=1 / power)
    return proven(sp.Integer(1), equals=power)

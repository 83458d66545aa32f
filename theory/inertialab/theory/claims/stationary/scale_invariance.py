"""Weights of which only the direction matters, under weight decay: where their norm settles, and how fast they turn."""

from collections.abc import Iterator

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import G2, G2_spread, angle, decay, eta, w4
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

SLOW = Regime(
    (decay > 0, eta * decay * (1 + G2_spread) <= sp.Rational(1, 50)),
    "Beyond it the next term, (1/2 + G2_spread)*eta*decay of the fourth power of the norm, exceeds 2 %.",
)
SPHERE = Source("wan2020spherical", "equilibrium of the norm, angular update")
x, y = sp.symbols("x y", real=True)
size = sp.Symbol("c", positive=True)
gamma, u = sp.symbols("Gamma u", positive=True)
"""Squared minibatch gradient at |w| = 1, and the squared norm of the weights."""
epsilon = sp.Symbol("epsilon", positive=True)


def stepped(gradient: sp.Matrix) -> sp.Matrix:
    """Weights after a step of SGD with weight decay, in the plane of weights and gradient."""
    w = sp.Matrix([x, y])
    return w - eta * (gradient + decay * w)


def _plane() -> tuple[sp.Matrix, sp.Matrix, sp.Expr]:
    """Weights, gradient of any loss of their direction, and that gradient squared at norm one."""
    w, loss = sp.Matrix([x, y]), sp.Function("f")(y / x)
    gradient = sp.Matrix([sp.diff(loss, s).doit() for s in w])
    return w, gradient, w.dot(w) * gradient.dot(gradient)


def _turning() -> Iterator[Step]:
    """Steps that both claims share: what scale invariance makes of the gradient."""
    w, gradient, at_one = _plane()
    yield Step(
        "Only the direction matters, hence the gradient is orthogonal", None, sp.Integer(0), equals=w.dot(gradient)
    )
    scaled = at_one.subs({x: size * x, y: size * y}, simultaneous=True)
    yield Step(
        "and as large as the norm is small: |w|² times its square depends on the direction alone",
        None,
        sp.Integer(0),
        equals=sp.simplify((scaled - at_one).doit()),
    )


@claim(
    "scale-invariance.equilibrium",
    w4,
    (eta, decay, G2, G2_spread),
    kind="asymptotic",
    layers=("numerics", "simulation", "real"),
    regime=SLOW,
    source=SPHERE,
    order=Order(eta * decay, 1, -(sp.Rational(1, 2) + G2_spread)),
    limits=(({"G2": 1e-30}, 0.0),),
    slips=(
        ("a * u + eta**2 * gamma / u", "a * u + eta * gamma / u"),
        ("1 - a**2", "1 - a"),
        ("eta * G2 / (2 * decay)", "eta * G2 / decay"),
    ),
)
def scale_invariance_equilibrium() -> Derivation:
    """Norm of weights of which only the direction matters, under SGD with weight decay: |w|⁴ = η⟨|G|²⟩/(2λ).

    The gradient is orthogonal to the weights and inversely proportional to their norm, g = G/|w|. Every step
    lengthens |w|² by η²|G|²/|w|², and decay shortens it by the factor (1 - ηλ)². Where ⟨|w|⁴⟩ no longer changes the
    two are equal. Nothing is asked of the noise: G may have a mean, change slowly, and depend on direction. Decay is
    PyTorch's, which passes through the learning rate. To the next order of ηλ the mean is larger by the factor
    1 + ηλ(1/2 + s), with s the variance of |G|² over its squared mean; the regime keeps this below 2%.
    """
    yield from _turning()
    w, gradient, at_one = _plane()
    new = stepped(gradient)
    a = (1 - eta * decay) ** 2
    after = a * u + eta**2 * gamma / u
    inserted = after.subs({u: w.dot(w), gamma: at_one}, simultaneous=True)
    yield Step("Squared norm after a step", sp.Symbol("|w'|^2"), inserted, equals=new.dot(new))
    fourth, kick = sp.Symbol("<u^2>", positive=True), sp.Symbol("<Gamma^2/u^2>", positive=True)
    terms = sp.expand(after**2)
    mean = a**2 * fourth + 2 * a * eta**2 * G2 + eta**4 * kick
    symbols = {fourth: u**2, G2: gamma, kick: gamma**2 / u**2}
    yield Step("Its square, of which the mean is taken", None, mean.subs(symbols), equals=terms)
    (steady,) = sp.solve(mean - fourth, fourth)
    balance = (2 * a * eta**2 * G2 + eta**4 * kick) / (1 - a**2)
    yield Step("The mean no longer changes", fourth, balance, equals=steady)
    readable = eta * G2 / (2 * decay)
    yield Step(
        "In the last term, small of order ηλ, the norm is the leading one",
        kick,
        (1 + G2_spread) * G2**2 / readable,
        assumed=True,
    )
    small = steady.subs(kick, (1 + G2_spread) * G2**2 / readable).subs(decay, epsilon / eta)
    relative = sp.series(small / readable.subs(decay, epsilon / eta), epsilon, 0, 2).removeO()
    correction = 1 + epsilon * (sp.Rational(1, 2) + G2_spread)
    yield Step("Over the leading order, with ηλ = ε", None, correction, equals=relative)
    return proven(readable, equals=sp.limit(small * epsilon, epsilon, 0) / (eta * decay))


@claim(
    "scale-invariance.angle",
    angle,
    (eta, decay, G2_spread),
    kind="asymptotic",
    layers=("numerics", "simulation", "real"),
    regime=SLOW,
    source=SPHERE,
    uses=("scale-invariance.equilibrium",),
    order=Order(eta * decay, 1, G2_spread / 6 - sp.Rational(1, 12)),
    limits=(({"decay": 0.0}, 0.0),),
    slips=(("(1 - eta * decay) ** 2 * w.dot(w)", "w.dot(w)"), ("trial**2 / 6", "trial**2 / 3")),
)
def scale_invariance_angle() -> Derivation:
    """Angle by which SGD with weight decay turns weights of which only the direction matters: √(2ηλ) in a step.

    Decay does not turn the weights and the gradient is orthogonal to them: the angle φ of a step has
    cos φ = (1 - ηλ)|w|/|w'|. Where the mean of ln|w| no longer changes, ⟨ln cos φ⟩ = ln(1 - ηλ), exactly, whatever the
    noise: neither the loss nor the batch size enters. For small angles ⟨φ²⟩ = 2ηλ; with the mean of φ⁴, which is
    (1 + s)⟨φ²⟩² where the norm fluctuates little, the next order follows.
    """
    yield from _turning()
    w, gradient, _ = _plane()
    new = stepped(gradient)
    cosine = w.dot(new) ** 2 / (w.dot(w) * new.dot(new))
    shrunk = (1 - eta * decay) ** 2 * w.dot(w)
    yield Step("Squared cosine of the angle of a step", None, shrunk / new.dot(new), equals=cosine)
    before, after = sp.Symbol("<ln|w|>", real=True), sp.Symbol("<ln|w'|>", real=True)
    mean = sp.log(1 - eta * decay) + before - after
    stationary = sp.log(1 - eta * decay)
    yield Step("Mean of ln cos φ where that of ln|w| stays", None, stationary, equals=mean.subs(after, before))
    phi, square = sp.Symbol("phi", positive=True), sp.Symbol("<phi^2>", positive=True)
    cumulant = sp.series(-2 * sp.log(sp.cos(phi)), phi, 0, 6).removeO()
    yield Step("Small angles: -2 ln cos φ", None, phi**2 + phi**4 / 6, equals=cumulant)
    first = sp.series(-2 * sp.log(1 - epsilon), epsilon, 0, 2).removeO()
    yield Step("Leading order, ηλ = ε", square, 2 * epsilon, equals=first)
    trial = first
    second = sp.series(-2 * sp.log(1 - epsilon), epsilon, 0, 3).removeO() - (1 + G2_spread) * trial**2 / 6
    yield Step("Mean of the fourth power", sp.Symbol("<phi^4>"), (1 + G2_spread) * trial**2, assumed=True)
    root = sp.series(sp.sqrt(sp.expand(second / trial)), epsilon, 0, 2).removeO()
    correction = 1 + epsilon * (sp.Rational(1, 12) - G2_spread / 6)
    yield Step("Root of its mean square over the leading order", None, correction, equals=root)
    return proven(sp.sqrt(2 * eta * decay), equals=sp.sqrt(first).subs(epsilon, eta * decay))

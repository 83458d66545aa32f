"""Scale-invariant weights under weight decay: the norm at which gradient and decay balance, and the angle of a step."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import G2, angle, eta, g, lam, square_norm, theta
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

SLOW = Regime((eta * lam <= sp.Rational(1, 100),), "A step must turn the weights by a small angle, √(2ηλ).")
norm = sp.Symbol("r", positive=True)  # squared norm


@claim(
    "scale-invariance.equilibrium",
    square_norm,
    (eta, lam, G2),
    kind="asymptotic",
    layers=("simulation", "real"),
    regime=SLOW,
    source=Source("li2020reconciling", "equilibrium of normalised networks under weight decay"),
    limits=(({"G2": 1e-30}, 0.0),),
    slips=(("across**2: G2 / norm", "across**2: G2"), ("(lam * theta + g)", "(-lam * theta + g)")),
)
def scale_invariance_equilibrium() -> Derivation:
    """Norm of scale-invariant weights in equilibrium: |w|⁴ = η⟨|G|²⟩/2λ.

    The gradient of a loss that does not depend on the length of w is perpendicular to w and inversely proportional to
    the length, so every step lengthens w by η²|G|²/|w|², and weight decay shortens |w|² by 2ηλ|w|². The squared norm
    is a slow variable: the balance of the means holds to the order of ηλ. λ is that of an L2 penalty, or of a decoupled
    decay by 1 - ηλ. G is the minibatch gradient at |w| = 1, its mean included.
    """
    along, across = sp.symbols("w_0 g_1", real=True)  # w and a gradient perpendicular to it
    moved = SGD.step(lam * theta + g)[theta]
    first = moved.subs({theta: along, g: 0}, simultaneous=True)
    second = moved.subs({theta: 0, g: across}, simultaneous=True)
    after = sp.expand(first**2 + second**2).subs({along**2: norm, across**2: G2 / norm})
    change = sp.expand(after - norm)
    stated = eta**2 * G2 / norm - 2 * eta * lam * norm + eta**2 * lam**2 * norm
    yield Step("Mean change of the squared norm in a step", None, stated, equals=change)
    square = sp.Symbol("s", positive=True)
    (exact,) = sp.solve(sp.expand(change * norm).subs(norm**2, square), square)
    yield Step("It vanishes at the squared squared norm", None, eta * G2 / (lam * (2 - eta * lam)), equals=exact)
    small = sp.Symbol("epsilon", positive=True)  # ηλ
    leading = sp.series(exact.subs(lam, small / eta) * small, small, 0, 1).removeO() / small
    return proven(sp.sqrt(eta * G2 / (2 * lam)), equals=sp.sqrt(leading.subs(small, eta * lam)))


@claim(
    "scale-invariance.angle",
    angle,
    (eta, lam),
    kind="asymptotic",
    layers=("simulation", "real"),
    regime=SLOW,
    source=Source("wan2021spherical", "angular update in equilibrium"),
    uses=("scale-invariance.equilibrium",),
    limits=(({"lam": 1e-30}, 0.0),),
    slips=(("G2 / norm**2", "G2 / norm"),),
)
def scale_invariance_angle() -> Derivation:
    """Angle by which scale-invariant weights turn in a step, in equilibrium: √(2ηλ), whatever the loss.

    A perpendicular step of length η|G|/|w| turns weights of length |w| by η|G|/|w|². At the equilibrium norm the
    gradient drops out.
    """
    squared = eta**2 * G2 / norm**2
    there = squared.subs(norm, scale_invariance_equilibrium.formula)
    yield Step("Squared angle at the equilibrium norm", None, 2 * eta * lam, equals=there)
    return proven(sp.sqrt(2) * sp.sqrt(eta) * sp.sqrt(lam), equals=sp.sqrt(there))

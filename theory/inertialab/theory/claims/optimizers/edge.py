"""Edge of stability: the curvature beyond which a step of full-batch training amplifies what it corrects."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM, HEAVY_BALL, MOMENTUM_EMA, MOMENTUM_TORCH, SGD, UpdateMap, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import beta, beta2, delta, edge, edge_adam, eta, eta_adam, h, k, theta
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

PUBLISHED = Source("cohen2021gradient", "gradient descent at the edge of stability")
PUBLISHED_ADAM = Source("cohen2022adaptive", "adaptive methods at the edge of stability")
FORGETS = Regime((beta < 1,), "Momentum 1 never forgets.")
root = sp.Symbol("r", real=True)


def characteristic(update: UpdateMap) -> sp.Expr:
    """Characteristic polynomial in r of a step on a parabola; its roots are the factors of the step's modes."""
    A, _ = linear_recursion(update, QUADRATIC)
    return sp.expand((root * sp.eye(A.rows) - A).det())


@claim(
    "gd.edge-of-stability",
    edge,
    (eta,),
    kind="conjecture",
    layers=("numerics", "real"),
    source=PUBLISHED,
    limits=(({"eta": 1e30}, 0.0),),
    slips=(("polynomial.subs(root, -1)", "polynomial.subs(root, 1) + 1"), ("2 / eta", "1 / eta")),
)
def gd_edge_of_stability() -> Derivation:
    """Sharpness at which full-batch gradient descent settles: 2/η, the edge of stability.

    Along a direction of curvature h a step multiplies the deviation by 1 - ηh, which reaches -1 at h = 2/η. Up to there
    everything is derived, and exact numerics confirm the threshold. That the largest curvature of a network rises to it
    and hovers there is observed and not derived: training that converges before stays below.
    """
    polynomial = characteristic(SGD)
    yield Step("Factor of a step", root, 1 - eta * h, equals=root - polynomial)
    (threshold,) = sp.solve(polynomial.subs(root, -1), h)
    yield Step("It is -1 at the curvature", h, 2 / eta, equals=threshold)
    inside = sp.Symbol("c", positive=True)  # share of the threshold
    factor = (1 - eta * h).subs(h, inside * threshold)
    left = 4 * inside * (1 - inside)
    yield Step("1 minus its square at a share c of that, positive for c < 1", None, left, equals=1 - factor**2)
    yield Step("Training is driven to the edge and stays there (conjecture)", edge, 2 / eta, assumed=True)
    return proven(2 / eta, equals=threshold)


@claim(
    "heavy-ball.edge-of-stability",
    edge,
    (eta, beta),
    kind="conjecture",
    layers=("numerics", "real"),
    regime=FORGETS,
    source=PUBLISHED,
    uses=("gd.edge-of-stability",),
    limits=(({"beta": 0.0}, "gd.edge-of-stability"), ({"eta": 1e30}, 0.0)),
    slips=(
        ("polynomial.subs(root, -1)", "polynomial.subs(root, 1) + 1"),
        ("2 * (1 + beta) / eta", "2 * (1 - beta) / eta"),
    ),
)
def heavy_ball_edge_of_stability() -> Derivation:
    """Sharpness at which full-batch heavy ball settles: 2(1 + β)/η, with PyTorch's η.

    The two modes of a step are the roots of r² - (1 + β - ηh)r + β. Their product is β: a pair of complex roots has the
    size √β, and real roots leave the unit circle at r = 1, where h = 0, or at r = -1. Momentum lets the curvature grow
    up to twice as far as gradient descent at the same η; in the EMA convention, of which η is (1 - β) of this one, the
    edge is 2(1 + β)/((1 - β)η).
    """
    polynomial = characteristic(HEAVY_BALL)
    modes = root**2 - (1 + beta - eta * h) * root + beta
    yield Step("Modes of a step", None, modes, equals=polynomial)
    yield Step("PyTorch's buffer has the same", None, modes, equals=characteristic(MOMENTUM_TORCH))
    yield Step("Product of the two", None, beta, equals=polynomial.subs(root, 0))
    yield Step("One of them is 1 only without curvature", None, eta * h, equals=polynomial.subs(root, 1))
    (threshold,) = sp.solve(polynomial.subs(root, -1), h)
    yield Step("One of them is -1 at the curvature", h, 2 * (1 + beta) / eta, equals=threshold)
    (ema,) = sp.solve(characteristic(MOMENTUM_EMA).subs(root, -1), h)
    yield Step("In the EMA convention", h, threshold / (1 - beta), equals=ema)
    settled = 2 * (1 + beta) / eta
    yield Step("Training is driven to the edge and stays there (conjecture)", edge, settled, assumed=True)
    return proven(2 * (1 + beta) / eta, equals=threshold)


@claim(
    "adam.edge-of-stability",
    edge_adam,
    (eta_adam, beta),
    kind="conjecture",
    layers=("numerics", "real"),
    regime=FORGETS,
    source=PUBLISHED_ADAM,
    uses=("heavy-ball.edge-of-stability",),
    limits=(({"eta": 1e30}, 0.0),),
    slips=(("polynomial.subs(root, -1)", "polynomial.subs(root, 1) + 1"), ("2 * (1 + beta)", "2 * (1 - beta)")),
)
def adam_edge_of_stability() -> Derivation:
    """Curvature over √v at which full-batch Adam settles: 2(1 + β₁)/((1 - β₁)η), that is 38/η at β₁ = .9.

    Late in training the corrections of the start are gone. A second moment that changes slowly is a fixed
    preconditioner: in gradients over √v Adam is EMA momentum, and its step has the modes of that. With many parameters
    the curvature is the largest eigenvalue of the Hessian with rows and columns divided by v to the power 1/4.
    """
    update = _late_adam()
    polynomial = characteristic(update)
    ratio = h / sp.sqrt(second)
    modes = root**2 - (1 + beta - (1 - beta) * eta_adam * ratio) * root + beta
    yield Step("Second moment frozen, corrections of the start gone: modes of a step", None, modes, equals=polynomial)
    momentum = characteristic(MOMENTUM_EMA).subs({h: ratio, eta: eta_adam}, simultaneous=True)
    yield Step("They are those of EMA momentum at curvature h/√v", None, momentum, equals=polynomial)
    (threshold,) = sp.solve(polynomial.subs(root, -1), h)
    readable = 2 * (1 + beta) / ((1 - beta) * eta_adam)
    yield Step("One of them is -1 at the curvature over √v", None, readable, equals=threshold / sp.sqrt(second))
    default = readable.subs(beta, sp.Rational(9, 10))
    yield Step("At the default β₁", None, 38 / eta_adam, equals=default)
    yield Step("Training is driven to the edge and stays there (conjecture)", edge_adam, readable, assumed=True)
    return proven(readable, equals=threshold / sp.sqrt(second))


def _late_adam() -> UpdateMap:
    """Adam whose second moment stands still, long after the start, without the constant under its root."""
    rules = dict(ADAM.assignments)
    late = {beta**k: 0, beta2**k: 0, delta: 0, eta: eta_adam}
    return UpdateMap("late", (theta, average), ((average, rules[average]), (theta, rules[theta].subs(late))))

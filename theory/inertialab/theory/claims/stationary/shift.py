"""Mean of the stationary state beside the minimum, where the loss is uneven."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import L3, C, eta, g, h, mean_theta, theta
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


@claim(
    "sgd.mean-shift",
    mean_theta,
    (eta, h, C, L3),
    kind="asymptotic",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (h > 0, eta * h <= sp.Rational(1, 2), eta * C * L3**2 <= 2 * h**3 / 50),
        "The third derivative may change the curvature by a seventh over the width of the state, the fourth by a "
        "fiftieth, which draws the mean back by about twice as much.",
    ),
    uses=("sgd.stationary-variance",),
    limits=(({"C": 0.0}, 0.0), ({"L3": 0.0}, 0.0)),
    slips=(("L3 * theta**3 / 6", "L3 * theta**3 / 3"),),
)
def sgd_mean_shift() -> Derivation:
    """Where SGD stands in the mean: away from the minimum by half the third derivative times the variance, over h.

    In a stationary state the mean gradient vanishes, h⟨θ⟩ + L'''⟨θ²⟩/2 + ... = 0. To leading order ⟨θ²⟩ is the variance
    of the quadratic. The state lies on the flatter side, which looks like a force toward flat places.
    """
    slope = sp.diff(h * theta**2 / 2 + L3 * theta**3 / 6, theta)
    mean, square, gradient = sp.symbols("<theta> <theta^2> <g>")
    still = SGD.step(g)[theta] - theta
    yield Step(
        "θ stands still in the mean where the mean gradient vanishes", None, sp.Integer(0), equals=sp.solve(still, g)[0]
    )
    moments = {0: sp.Integer(1), 1: mean, 2: square}
    balance = sum(c * moments[p] for (p,), c in sp.Poly(slope, theta).terms())
    yield Step("Mean gradient", gradient, h * mean + L3 * square / 2, equals=balance)
    (found,) = sp.solve(balance, mean)
    variance = sgd_stationary_variance.formula
    small = sp.limit(found.subs(square, variance) / eta, eta, 0)
    yield Step("Small steps, over η", None, -L3 * C / (4 * h**2), equals=small)
    readable = -eta * C * L3 / (2 * h**2 * (2 - eta * h))
    return proven(readable, equals=found.subs(square, variance))

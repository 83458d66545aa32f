"""Stationary variances that published modified equations give, beside the exact ones."""

import sympy as sp

from inertialab.theory.claims.stationary.continuous import sgd_stationary_variance_ou
from inertialab.theory.claims.stationary.momentum import (
    momentum_stationary_variance_torch,
)
from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    MOMENTUM_TORCH,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    M,
    beta,
    eta,
    h,
    theta,
    var,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim


@claim(
    "sgd.modified-equation-2",
    var,
    (eta, h, C),
    kind="attributed",
    regime=Regime(
        (h > 0, eta * h <= sp.Rational(1, 20)),
        "Beyond it the relative error eta*h exceeds 5 %; use sgd.stationary-variance.",
    ),
    source=Source("li2019stochastic", "stochastic modified equation of second order"),
    uses=("sgd.stationary-variance", "sgd.stationary-variance-ou"),
    corrected_by="sgd.stationary-variance",
    order=Order(eta * h, 1, -sp.Integer(1)),
    instead="Weak order two leaves an error of the order of η² in a variance of the order of η; with the noise "
    "variance times 1 + ηh it would match, and alone the second-order drift doubles the first order's error.",
    layers=("numerics",),
    limits=(({"C": 0.0}, 0.0),),
    slips=(("eta / 4 * sp.diff", "eta / 2 * sp.diff"),),
)
def sgd_modified_equation_2() -> Derivation:
    """Stationary variance of the second-order modified equation of SGD: its error is twice the first order's.

    The modified loss is L + (η/4)L'², the noise that of the first-order equation. The extra drift is right, a
    step of SGD contracts more than e^{-ηh}, but a larger contraction needs a larger noise to keep the variance. Both
    equations are off by the order of η², -η²C/4 and -η²C/2: that is what a weak order promises, and not contradicted.
    """
    modified = QUADRATIC + eta / 4 * sp.diff(QUADRATIC, theta) ** 2
    rate = sp.diff(modified, theta, 2)
    yield Step("The published modified loss", sp.Symbol("L_2"), modified, assumed=True)
    yield Step("Curvature of the modified loss", None, h * (1 + eta * h / 2), equals=rate)
    contraction = sp.log(1 - eta * h)
    yield Step(
        "The rate of contraction, minus that of SGD, is of second order",
        None,
        sp.Integer(0),
        equals=sp.series(rate + contraction / eta, eta, 0, 2).removeO(),
    )
    readable = eta * C / (h * (2 + eta * h))
    exact = sgd_stationary_variance.formula
    first = sgd_stationary_variance_ou.formula / exact - 1
    second_order = sp.series(readable / exact - 1, eta, 0, 2).removeO()
    yield Step(
        "Its relative error, leading order, is twice that of the first order", None, 2 * first, equals=second_order
    )
    ratio = (2 - eta * h) / (2 + eta * h)
    yield Step("Divided by the exact variance", PUBLISHED_OVER_DERIVED, ratio, equals=readable / exact)
    return proven(readable, equals=eta * C / (2 * rate))


@claim(
    "momentum.modified-equation",
    var,
    (eta, h, C, beta),
    kind="attributed",
    regime=Regime((h > 0, beta < 1, eta * h <= (1 + beta) / 20), "Beyond it the variance is more than 2.5 % low."),
    source=Source("kunin2021limiting", "underdamped equation of SGD with momentum"),
    uses=("momentum.stationary-variance-torch", "momentum.stationary-velocity"),
    corrected_by="momentum.stationary-variance-torch",
    order=Order(eta * h, 1, -1 / (2 * (1 + beta))),
    instead="Variances of position and of velocity are both larger, by 1/(1 - ηh/(2(1 + β))).",
    layers=("numerics", "simulation"),
    limits=(({"C": 0.0}, 0.0),),
)
def momentum_modified_equation() -> Derivation:
    """Stationary variance by the equation (η/2)(1 + β)θ'' + (1 - β)θ' = -ĝ, PyTorch convention.

    A damped oscillator with inertia (η/2)(1 + β) and friction coefficient 1 - β, driven by white noise of
    strength 2D with D = ηC/2. Its stationary moments solve three linear equations.
    """
    inertia, drag = eta * (1 + beta) / 2, 1 - beta
    yield Step("The published inertia", M, inertia, assumed=True)
    xx, xv, vv = sp.symbols("xx xv vv")
    drift = sp.Matrix([[0, 1], [-h / inertia, -drag / inertia]])
    moments = sp.Matrix([[xx, xv], [xv, vv]])
    noise = sp.diag(0, eta * C / inertia**2)
    (solution,) = sp.linsolve(list(drift * moments + moments * drift.T + noise), (xx, xv, vv))
    velocity = sp.Symbol("<v^2>")
    yield Step("Stationary mean squared velocity", velocity, C / (1 - beta**2), equals=solution[2])
    exact = 2 * C / ((1 - beta) * (2 * (1 + beta) - eta * h))
    step = stationary_moments(*linear_recursion(MOMENTUM_TORCH, QUADRATIC))[1, 1]
    yield Step("Exact mean squared displacement of a step over η²", None, exact, equals=step)
    ratio = 1 - eta * h / (2 * (1 + beta))
    yield Step("Ratio of the velocities", None, ratio, equals=solution[2] / exact)
    readable = eta * C / (2 * h * (1 - beta))
    over = readable / momentum_stationary_variance_torch.formula
    yield Step("Position: divided by the exact variance", PUBLISHED_OVER_DERIVED, ratio, equals=over)
    return proven(readable, equals=solution[0])

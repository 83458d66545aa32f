"""Relations between fluctuation and dissipation in the stationary state of SGD."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    MOMENTUM_TORCH,
    SGD,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    beta,
    eta,
    fdr1,
    fdr2,
    g,
    h,
    theta,
    var,
    xi,
)
from inertialab.theory.notation import b as buffer
from inertialab.theory.statement import Derivation, Order, Source, claim


def mean(polynomial: sp.Expr, *variables: sp.Symbol) -> sp.Expr:
    """Expectation of a polynomial: each monomial is replaced by its moment, a symbol such as `E[theta*g]`."""
    terms = sp.Poly(sp.expand(polynomial), *variables).terms()
    return sum(
        (c * moment(sp.prod(v**p for v, p in zip(variables, powers, strict=True))) for powers, c in terms), sp.S(0)
    )


def moment(monomial: sp.Expr) -> sp.Expr:
    """The symbol of an expectation; that of 1 is 1."""
    return sp.Integer(1) if monomial == 1 else sp.Symbol(f"<{sp.sstr(monomial)}>")


@claim(
    "sgd.fluctuation-dissipation",
    fdr1,
    (),
    kind="exact",
    source=Source("yaida2018fluctuation", "first relation"),
    layers=("simulation", "real"),
)
def sgd_fluctuation_dissipation() -> Derivation:
    """First fluctuation-dissipation relation, exact for any loss and learning rate.

    In a stationary state ⟨θ²⟩ and ⟨θb⟩ do not change from step to step. Written out with PyTorch's buffer b these
    are two linear equations for moments; they give ⟨θĝ⟩ = η(1 + β)⟨b²⟩/2, whatever the loss and the noise. The
    noise has mean zero at every θ, so ⟨θĝ⟩ = ⟨θL'(θ)⟩. Without momentum b is the minibatch gradient itself.
    """
    new = MOMENTUM_TORCH.step(g)
    variables = (theta, buffer, g)
    yield Step("Without momentum one step is", sp.Symbol("theta'"), theta - eta * g, equals=SGD.step(g)[theta])
    squared = mean(new[theta] ** 2 - theta**2, *variables)
    cross = mean(new[theta] * new[buffer] - theta * buffer, *variables)
    energy = mean(new[buffer] ** 2 - buffer**2, *variables)
    unknown = [moment(x) for x in (theta * g, theta * buffer, g**2)]
    (solution,) = sp.linsolve([squared, cross, energy], unknown)
    dissipation, alignment, _ = solution
    yield Step("Stationary ⟨θb⟩", unknown[1], -eta * moment(buffer**2) / 2, equals=alignment)
    readable = eta * (1 + beta) / 2 * moment(buffer**2)
    yield Step("Stationary ⟨θĝ⟩, equal to ⟨θL'⟩", unknown[0], readable, equals=dissipation)
    A, noise = linear_recursion(MOMENTUM_TORCH, QUADRATIC)
    P = stationary_moments(A, noise)
    yield Step(
        "On a quadratic the law of the variance says the same",
        h * var,
        eta * (1 + beta) / 2 * P[1, 1],
        equals=h * P[0, 0],
    )
    return proven(sp.Integer(1), equals=dissipation / readable)


@claim(
    "sgd.fluctuation-dissipation-2",
    fdr2,
    (),
    kind="attributed",
    source=Source("yaida2018fluctuation", "second relation"),
    uses=("sgd.stationary-variance",),
    order=Order(eta, 2, sp.Symbol("lambda", positive=True) * C / (4 * h)),
    instead="⟨L(θ')⟩ = ⟨L(θ)⟩ has terms of third and fourth order in the step, which vanish on a quadratic only; "
    "on L = hθ²/2 + λθ⁴/24 the ratio is 1 - η²λC/(4h) to leading order.",
    layers=("simulation",),
)
def sgd_fluctuation_dissipation_2() -> Derivation:
    """Second fluctuation-dissipation relation of SGD: exact on a quadratic, else to leading order.

    In a stationary state ⟨L(θ - ηĝ)⟩ = ⟨L(θ)⟩. On a quartic the Taylor series of L has four terms and stops; the
    published relation keeps two of them. With Gaussian noise the other two change the ratio by -η²λC/(4h).
    """
    curvature = sp.Symbol("lambda", positive=True)
    loss = h * theta**2 / 2 + curvature * theta**4 / 24
    slope = sp.diff(loss, theta)
    series = sum((-eta * g) ** i / sp.factorial(i) * sp.diff(loss, theta, i) for i in range(1, 5))
    step = loss.subs(theta, SGD.step(g)[theta]) - loss
    yield Step("Change of the loss in one step, ending with its fourth term", None, series, equals=step)
    kept = -eta * slope * g + eta**2 / 2 * sp.diff(loss, theta, 2) * g**2
    yield Step("On a quadratic two terms are all", None, kept.subs(curvature, 0), equals=step.subs(curvature, 0))
    # Leading order of small η: Gaussian noise, ⟨θ²⟩ = ηC/2h, and one power of θ² is one power of η.
    yield Step("Noise of variance C, Gaussian for what follows", sp.Symbol("<xi^4>"), 3 * C**2, assumed=True)
    left, right = _noise_mean(slope**2), _noise_mean(eta / 2 * sp.diff(loss, theta, 2) * (slope + xi) ** 2)
    lost = _noise_mean(sp.expand((series - kept).subs(g, slope + xi))) / eta
    spread = sp.series(sgd_stationary_variance.formula, eta, 0, 2).removeO()
    leading = sp.expand(lost.subs(theta**2, spread)).coeff(eta, 3) * eta**3
    yield Step(
        "Mean of the two lost terms over η, leading order",
        None,
        -(eta**3) * curvature * C**2 / 8,
        equals=leading,
    )
    size = sp.expand(right.subs(theta**2, spread)).coeff(eta, 1) * eta
    yield Step("The relation's right-hand side, leading order", None, eta * h * C / 2, equals=size)
    same = sp.expand(left.subs(theta**2, spread)).coeff(eta, 1) * eta
    yield Step("and its left-hand side", None, eta * h * C / 2, equals=same)
    ratio = 1 - eta**2 * curvature * C / (4 * h)
    true = 1 + leading / size
    yield Step("Left over right, to the order of the lost terms", fdr2, ratio, equals=true)
    yield Step("The published 1 divided by it, to the same order", PUBLISHED_OVER_DERIVED, 1 / ratio, equals=1 / true)
    return proven(sp.Integer(1), equals=same / size)


def _noise_mean(polynomial: sp.Expr) -> sp.Expr:
    """Mean over Gaussian noise ξ of variance C."""
    terms = sp.Poly(sp.expand(polynomial), xi).terms()
    return sp.expand(sum(c * sp.factorial2(p - 1) * C ** (p // 2) for (p,), c in terms if p % 2 == 0))

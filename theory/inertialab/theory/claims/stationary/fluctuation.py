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
    L3,
    L4,
    C,
    beta,
    eta,
    fdr1,
    fdr2,
    g,
    h,
    k3,
    k4,
    theta,
    var,
    xi,
)
from inertialab.theory.notation import b as buffer
from inertialab.theory.regime import Regime
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

    In a stationary state ⟨θ²⟩, ⟨θb⟩ and ⟨b²⟩ do not change from step to step. Written out with PyTorch's buffer b
    these are linear equations for moments; they give ⟨θĝ⟩ = η(1 + β)⟨b²⟩/2, whatever the loss, the noise and the
    order of the batches, with ĝ the minibatch gradient. Where batches are independent of the past the noise has mean
    zero at every θ, and ⟨θĝ⟩ = ⟨θL'(θ)⟩ with the true gradient; under shuffled epochs, where the noise of a step
    knows how earlier ones moved θ, ⟨θL'⟩ is several times smaller. Without momentum b is the minibatch gradient
    itself; with dampening ν, b' = βb + (1 - ν)ĝ, the right-hand side is divided by 1 - ν.
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
    yield Step("Stationary ⟨θĝ⟩", unknown[0], readable, equals=dissipation)
    damping = sp.Symbol("nu")
    damped = MOMENTUM_TORCH.step((1 - damping) * g)
    with_damping = [
        mean(after - before, *variables)
        for after, before in (
            (damped[theta] ** 2, theta**2),
            (damped[theta] * damped[buffer], theta * buffer),
            (damped[buffer] ** 2, buffer**2),
        )
    ]
    (other,) = sp.linsolve(with_damping, unknown)
    yield Step("The same with dampening ν", unknown[0], readable / (1 - damping), equals=other[0])
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
    regime=Regime(
        note="What the relation leaves out is then at most 2 %, to leading order; beyond see "
        "sgd.fluctuation-dissipation-2-next.",
        beside=(4 * eta * sp.Abs(L3 * k3) + eta**2 * sp.Abs(L4 * (3 * C**2 - k4)) <= 12 * h * C / 50,),
    ),
    source=Source("yaida2018fluctuation", "second relation"),
    uses=("sgd.stationary-variance",),
    order=Order(eta, 2, sp.Symbol("lambda", positive=True) * C / (4 * h)),
    corrected_by="sgd.fluctuation-dissipation-2-next",
    instead="⟨L(θ')⟩ = ⟨L(θ)⟩ has terms of third and fourth order in the step, which vanish on a quadratic only; with "
    "symmetric noise the ratio is off by η², with skewed noise on an uneven loss already by η.",
    layers=("simulation", "real"),
)
def sgd_fluctuation_dissipation_2() -> Derivation:
    """Second fluctuation-dissipation relation of SGD: exact on a quadratic, else to leading order.

    In a stationary state ⟨L(θ - ηĝ)⟩ = ⟨L(θ)⟩. On a quartic the Taylor series of L has four terms and stops; the
    published relation keeps two of them. With Gaussian noise the other two change the ratio by -η²λC/(4h). Skewed
    noise on a loss with a third derivative changes it already at the order of η: `sgd.fluctuation-dissipation-2-next`.
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


@claim(
    "sgd.fluctuation-dissipation-2-next",
    fdr2,
    (eta, h, C, L3, L4, k3, k4),
    kind="asymptotic",
    regime=Regime(
        (
            h > 0,
            eta * h <= sp.Rational(1, 10),
            eta * sp.Abs(L3 * k3) <= 3 * h * C / 10,
            eta**2 * sp.Abs(L4) * (3 * C**2 + sp.Abs(k4)) <= 12 * h * C / 10,
        ),
        "Each of the two corrections may be a tenth; of the order of eta*h times twice each is left out.",
    ),
    uses=("sgd.stationary-variance", "sgd.fluctuation-dissipation-2"),
    layers=("simulation", "real"),
    limits=(({"L3": 0.0, "L4": 0.0}, 1.0), ({"eta": 1e-9}, 1.0)),
    slips=(
        ("sp.factorial(order)", "order"),
        ("k4 * p**4 / 24", "k4 * p**4 / 6"),
        ("(-eta) ** order", "eta**order"),
    ),
)
def sgd_fluctuation_dissipation_2_next() -> Derivation:
    """What the second fluctuation-dissipation relation leaves out, with skewed noise and an uneven loss.

    In a stationary state ⟨L(θ - ηĝ)⟩ = ⟨L(θ)⟩; the series of L has terms of third and fourth order in the step, which
    the published relation drops. To leading order of each they are means over the noise at the minimum and over
    ⟨θL'⟩ = ηC/2, since ⟨L'⟩ = 0. The third derivative meets the third cumulant of the noise at the order of η; the
    fourth derivative meets the variance at the order of η².
    """
    force, p = sp.symbols("f p")  # f is L' at the place before the step
    generating = sp.exp(C * p**2 / 2 + k3 * p**3 / 6 + k4 * p**4 / 24)
    moments = [sp.factorial(i) * sp.series(generating, p, 0, 5).removeO().coeff(p, i) for i in range(5)]
    yield Step("Fourth moment of the noise, from its cumulants", sp.Symbol("<xi^4>"), 3 * C**2 + k4, equals=moments[4])
    lost = sp.Integer(0)
    for order, bend in ((3, L3 + L4 * theta), (4, L4)):
        powers = sp.Poly(sp.expand((force + xi) ** order), xi).terms()
        lost += (-eta) ** order / sp.factorial(order) * bend * sum(c * moments[i] for (i,), c in powers)
    squared = mean(SGD.step(g)[theta] ** 2 - theta**2, theta, g)
    (work,) = sp.solve(squared, moment(theta * g))
    first = work.subs(moment(g**2), moments[2])
    yield Step("Stationary ⟨θL'⟩, leading order: ⟨θ²⟩ stands still", sp.Symbol("<theta*f>"), eta * C / 2, equals=first)
    spread = sp.series(sgd_stationary_variance.formula, eta, 0, 2).removeO()
    yield Step("as the law of the variance says", None, eta * C / 2, equals=h * spread)
    shift = mean(SGD.step(g)[theta] - theta, theta, g)
    yield Step("⟨L'⟩ vanishes: ⟨θ⟩ stands still", None, sp.Integer(0), equals=sp.solve(shift, moment(g))[0])
    expanded = sp.Poly(sp.expand(lost), theta, force)
    means = {(0, 0): sp.Integer(1), (1, 1): first}
    average = sum(c * means.get(powers, sp.Integer(0)) for powers, c in expanded.terms())
    third = -(eta**3) * L3 * k3 / 6
    fourth = -(eta**4) * L4 * (3 * C**2 - k4) / 24
    leading = sp.expand(average)
    yield Step("Mean of the lost terms", None, third + fourth, equals=leading)
    below = eta * h * C / 2
    readable = 1 - eta * L3 * k3 / (3 * h * C) - eta**2 * L4 * (3 * C**2 - k4) / (12 * h * C)
    return proven(readable, equals=1 + leading / eta / below)

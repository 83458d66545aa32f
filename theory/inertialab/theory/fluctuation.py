"""Exact stationary relations beyond the variance: velocities, dissipation, epochs, momentum in many dimensions."""

import sympy as sp

from inertialab.theory.claim import Derivation, Order, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    MOMENTUM_EMA,
    MOMENTUM_TORCH,
    SGD,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_matrix,
    H,
    V,
    beta,
    cov_ij,
    cov_step,
    eta,
    factor,
    fdr1,
    fdr2,
    g,
    h,
    h_i,
    h_j,
    n_batches,
    theta,
    var,
    xi,
)
from inertialab.theory.notation import b as buffer
from inertialab.theory.notation import m as average
from inertialab.theory.numerics import in_eigenbasis, shuffled_variance
from inertialab.theory.regime import Regime
from inertialab.theory.stationary import STABLE, momentum_stationary_variance, sgd_stationary_variance


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


@claim(
    "momentum.stationary-velocity",
    cov_step,
    (eta, h, C, beta),
    kind="exact",
    regime=momentum_stationary_variance.regime,
    source=Source("liu2021noise", "SGD with momentum, one dimension, EMA convention"),
    uses=("momentum.stationary-variance",),
    layers=("numerics", "simulation"),
)
def momentum_stationary_velocity() -> Derivation:
    """Mean squared displacement of one step of EMA momentum around a minimum, and its correlation in time.

    A step is -ηm', so its mean square is η²⟨m²⟩ of the stationary buffer.
    """
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    P = stationary_moments(A, noise)
    new = MOMENTUM_EMA.step(h * theta + xi)
    yield Step("One step moves by", None, -eta * new[average], equals=sp.expand(new[theta] - theta))
    correlation = (A * P)[0, 0] / P[0, 0]
    yield Step(
        "Correlation of the parameter with itself one step later",
        sp.Symbol("rho_1"),
        1 - eta * (1 - beta) * h / (1 + beta),
        equals=correlation,
    )
    readable = 2 * eta**2 * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h)
    twice = 2 * momentum_stationary_variance.formula * (1 - correlation)
    yield Step("Twice the variance times one minus the correlation", None, readable, equals=twice)
    return proven(readable, equals=eta**2 * P[1, 1])


@claim(
    "momentum.stationary-covariance-torch",
    cov_ij,
    (eta, H, C_matrix, beta),
    kind="exact",
    regime=Regime(
        (h_i > 0, beta < 1, eta * h_i < 2 * (1 + beta)),
        "Every eigenvalue of H must satisfy this; restrict H and C to a stable subspace of H.",
    ),
    source=Source("liu2021noise", "SGD with momentum, matrix equation"),
    uses=("momentum.stationary-variance-torch",),
    change=in_eigenbasis,
)
def momentum_stationary_covariance_torch() -> Derivation:
    """Stationary covariance of PyTorch momentum when Hessian and noise do not commute.

    In the eigenbasis of H the directions i and j are two recursions driven by correlated noise. The mean products
    of their parameters and buffers are four linear equations.
    """
    A, noise = linear_recursion(MOMENTUM_TORCH, QUADRATIC)
    A_i, A_j = A.subs(h, h_i), A.subs(h, h_j)
    P = sp.Matrix(2, 2, sp.symbols("P_00 P_01 P_10 P_11"))
    equations = A_i * P * A_j.T + C_ij * noise * noise.T - P
    (solution,) = sp.linsolve(list(equations), list(P))
    entry = solution[0]
    operator = (
        (1 - beta) * (h_i + h_j)
        - (1 + beta**2) / (1 - beta**2) * eta * h_i * h_j
        + beta / (1 - beta**2) * eta * (h_i**2 + h_j**2)
    )
    yield Step("Entry of the matrix equation", None, eta * C_ij, equals=operator * entry)
    readable = eta * C_ij / operator
    along = stationary_moments(A, noise)[0, 0]
    yield Step(
        "On the diagonal it is the law of one direction",
        None,
        along,
        equals=readable.subs({h_i: h, h_j: h, C_ij: C}),
    )
    free = eta * C_ij / (h_i + h_j - eta * h_i * h_j)
    yield Step("Without momentum it is the law of SGD", None, free, equals=readable.subs(beta, 0))
    return proven(readable, equals=entry)


@claim(
    "sgd.shuffled-variance",
    var,
    (eta, h, C, n_batches),
    kind="exact",
    regime=Regime((*STABLE.conditions, n_batches >= 2), STABLE.note),
    source=Source("kuehn2023correlated", "weight variance of epoch-based SGD"),
    uses=("sgd.stationary-variance",),
    where={factor: 1 - eta * h},
    numerics=shuffled_variance,
)
def sgd_shuffled_variance() -> Derivation:
    """Stationary variance of SGD under epochs of shuffled minibatches, mean over the steps of an epoch.

    The noises of one epoch sum to zero, so two of them have covariance -C/(n - 1): what one step adds, the rest of
    the epoch takes back. With r = 1 - ηh and n minibatches the variance after t steps of an epoch is
    r²ᵗV₀ + η²C n/(n - 1) [Σr²ʲ - (Σrʲ)²/n] with sums over j < t, and V₀ must come back after n steps.
    """
    n, r, k = n_batches, 1 - eta * h, sp.Symbol("t", integer=True, nonnegative=True)
    shared = sp.Symbol("c")
    (covariance,) = sp.solve(n * C + n * (n - 1) * shared, shared)
    yield Step("Noises that sum to zero have the covariance", None, -C / (n - 1), equals=covariance)
    unit = eta**2 * C * n / (n - 1)

    def plain(count: sp.Expr) -> sp.Expr:
        return (1 - r**count) / (1 - r)

    def square(count: sp.Expr) -> sp.Expr:
        return (1 - r ** (2 * count)) / (1 - r**2)

    def kicks(count: sp.Expr) -> sp.Expr:
        return unit * (square(count) - plain(count) ** 2 / n)

    # One step multiplies by r, adds noise, and meets the noise of the same epoch that is already there.
    before = eta**2 * covariance * plain(k)
    following = r**2 * kicks(k) + eta**2 * C + 2 * r * before
    yield Step("Variance of the kicks of t steps: nothing at the start", None, sp.Integer(0), equals=kicks(sp.S(0)))
    yield Step("and from step to step", V(k + 1), kicks(k + 1), equals=following)
    start = kicks(n) / (1 - r ** (2 * n))
    yield Step("The variance at the start of an epoch comes back", None, start, equals=r ** (2 * n) * start + kicks(n))
    # Sums over the steps of an epoch, each checked by its first value and its increment.
    total_square = (k - square(k)) / (1 - r**2)
    total_plain = (k - 2 * plain(k) + square(k)) / (1 - r) ** 2
    for name, total, term in (
        ("of sums of squares", total_square, square(k)),
        ("of squared sums", total_plain, plain(k) ** 2),
    ):
        yield Step(f"Sum {name} over an epoch, increment", None, term, equals=total.subs(k, k + 1) - total)
        yield Step(f"Sum {name} over no step", None, sp.Integer(0), equals=total.subs(k, 0))
    derived = start * square(n) / n + unit * (total_square - total_plain / n).subs(k, n) / n
    x = sp.Symbol("x", positive=True)
    flat = sp.limit(sp.limit((derived / sgd_stationary_variance.formula).subs(eta, x / (h * n)), n, sp.oo) / x, x, 0)
    yield Step("Where ηhn is small, the ratio to independent noise over ηhn", None, sp.Rational(1, 3), equals=flat)
    sums, squares = (1 - factor**n) / (1 - factor), (1 - factor ** (2 * n)) / (1 - factor**2)
    whole = squares - sums**2 / n
    inside = (n - squares) / (1 - factor**2) - (n - 2 * sums + squares) / (n * (1 - factor) ** 2)
    readable = eta**2 * C / (n - 1) * (whole / (1 - factor**2) + inside)
    return proven(readable, equals=derived, where={factor: r})

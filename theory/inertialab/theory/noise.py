"""Where gradient noise comes from: likelihoods, squared loss, saddles of networks, the way batches are drawn."""

import itertools

import sympy as sp

from inertialab.theory.claim import Derivation, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import (
    B_count,
    bartlett,
    n_samples,
    noise_here,
    sampling_factor,
    squared_noise,
    theta,
)
from inertialab.theory.regime import Regime

y, x, z = sp.symbols("y x z", real=True)


@claim(
    "noise.hessian-proportional",
    bartlett,
    (),
    kind="attributed",
    source=Source("xie2021diffusion", "noise covariance near minima"),
    instead="It holds for the negative log-likelihood of a well-specified model at the population minimum; with "
    "Gaussian noise of variance σ² in a model of variance 1 the ratio is σ², with interpolated data it is 0.",
    layers=("simulation", "real"),
)
def noise_hessian_proportional() -> Derivation:
    """Noise of a minibatch gradient equal to the Hessian divided by the batch size.

    For ℓ = -ln p the Hessian exceeds the squared gradient by -p''/p. Under the model's own distribution that
    has mean -∂²∫p = 0, which is Bartlett's identity. Data of another distribution break it.
    """
    p = sp.Function("p", positive=True)(y, theta)
    loss = -sp.log(p)
    excess = sp.diff(loss, theta, 2) - sp.diff(loss, theta) ** 2
    yield Step("Hessian minus squared gradient of one sample", None, -sp.diff(p, theta, 2) / p, equals=excess)
    weighted = sp.expand(p * excess)
    yield Step(
        "weighted with the model's density: a derivative of the norm", None, -sp.diff(p, theta, 2), equals=weighted
    )
    yield Step("Data drawn from the model, whose norm is 1", sp.Symbol("∫p"), sp.Integer(1), assumed=True)
    # Logistic regression: two outcomes, everything explicit.
    logit = 1 / (1 + sp.exp(-theta * x))
    chance = sp.Symbol("pi", positive=True)
    outcomes = ((chance, -sp.log(logit)), (1 - chance, -sp.log(1 - logit)))
    hessian, noise, slope = (
        sp.Add(*(weight * sp.diff(part, theta, order) ** power for weight, part in outcomes))
        for order, power in ((2, 1), (1, 2), (1, 1))
    )
    balanced = {chance: logit}
    yield Step("Logistic regression, well specified: mean gradient", None, sp.Integer(0), equals=slope.subs(balanced))
    yield Step("noise minus Hessian", None, sp.Integer(0), equals=(noise - hessian).subs(balanced))
    sigma = sp.Symbol("sigma", positive=True)
    square = (y - theta) ** 2 / 2
    bell = sp.exp(-((y - theta) ** 2) / (2 * sigma**2)) / (sigma * sp.sqrt(2 * sp.pi))
    spread = sp.integrate(sp.diff(square, theta) ** 2 * bell, (y, -sp.oo, sp.oo))
    curvature = sp.diff(square, theta, 2)
    yield Step(
        "Misspecified, Gaussian data of variance σ² in a model of variance 1: noise over Hessian",
        None,
        sigma**2,
        equals=sp.simplify(spread / curvature),
    )
    derived = sp.simplify((noise / hessian).subs(balanced))
    yield Step(
        "Well specified: published 1 over the derived ratio", PUBLISHED_OVER_DERIVED, sp.Integer(1), equals=1 / derived
    )
    return proven(sp.Integer(1), equals=derived)


@claim(
    "noise.squared-loss",
    squared_noise,
    (),
    kind="exact",
    uses=("noise.hessian-proportional",),
    layers=("simulation", "real"),
)
def noise_squared_loss() -> Derivation:
    """For squared loss at a well-specified minimum the noise is σ² times the Hessian, σ² the variance of the labels.

    The loss of a sample is (f(x, θ) - y)²/2 with y = f(x, θ*) + n. At θ* its gradient is -n f' and its Hessian
    f'² - n f''; the label noise n has mean zero and variance σ², independent of x.
    """
    f, label, n = sp.Function("f")(x, theta), sp.Symbol("y"), sp.Symbol("n")
    loss = (f - label) ** 2 / 2
    at = {label: f - -n}
    gradient, hessian = (sp.diff(loss, theta, order).subs(at) for order in (1, 2))
    slope, bend = sp.diff(f, theta), sp.diff(f, theta, 2)
    yield Step("Labels scatter about the truth with mean zero", sp.Symbol("<n>"), sp.Integer(0), assumed=True)
    yield Step("Gradient of a sample at the truth", None, -n * slope, equals=sp.expand(gradient))
    yield Step("Hessian of a sample at the truth", None, slope**2 - n * bend, equals=sp.expand(hessian))
    sigma = sp.Symbol("sigma", positive=True)

    def over_labels(expression: sp.Expr) -> sp.Expr:
        polynomial = sp.Poly(sp.expand(expression), n)
        return sp.Add(*(c * {0: 1, 1: 0, 2: sigma**2}[power] for (power,), c in polynomial.terms()))

    yield Step("Mean gradient over the labels", None, sp.Integer(0), equals=over_labels(gradient))
    noise, curvature = over_labels(gradient**2), over_labels(hessian)
    yield Step("Noise over the labels", None, sigma**2 * slope**2, equals=noise)
    yield Step("Mean loss over the labels, twice", None, sigma**2, equals=2 * over_labels(loss.subs(at)))
    return proven(sp.Integer(1), equals=noise / (sigma**2 * curvature))


@claim(
    "noise.saddle-zero",
    noise_here,
    (),
    kind="exact",
    uses=("sgd.saddle-variance-ou",),
    layers=("real",),
)
def noise_saddle_zero() -> Derivation:
    """At the origin of a two-layer network without biases the gradient of every sample vanishes, the Hessian does not.

    Each sample's loss depends on the product of the layers. At the origin its gradient is zero for every sample, so
    there is no noise, while the mixed second derivative is -xy for squared loss: a saddle that SGD cannot feel.
    """
    first, second = sp.symbols("w_1 w_2", real=True)
    origin = {first: 0, second: 0}
    for name, unit in (("linear", lambda u: u), ("tanh", sp.tanh)):
        loss = (second * unit(first * x) - y) ** 2 / 2
        size = sum(sp.diff(loss, w).subs(origin) ** 2 for w in (first, second))
        yield Step(f"Squared gradient of any sample at the origin, {name} unit", None, sp.Integer(0), equals=size)
        hessian = sp.hessian(loss, (first, second)).subs(origin)
        yield Step("Determinant of its Hessian: a saddle", None, -((x * y) ** 2), equals=hessian.det())
        value = sp.Matrix([1, 1]).T * hessian * sp.Matrix([1, 1]) / 2
        yield Step("Curvature along equal weights", None, -x * y, equals=value[0])
    logistic = sp.log(1 + sp.exp(-second * sp.tanh(first * x)))
    rest = sum(sp.diff(logistic, w).subs(origin) ** 2 for w in (first, second))
    yield Step("Logistic loss, tanh unit: squared gradient", None, sp.Integer(0), equals=rest)
    return proven(sp.Integer(0), equals=size)


@claim(
    "noise.sampling",
    sampling_factor,
    (n_samples, B_count),
    kind="exact",
    regime=Regime((n_samples >= 2, B_count <= n_samples), "A batch without replacement has at most all samples."),
)
def noise_sampling() -> Derivation:
    """Variance of a minibatch gradient drawn without replacement, over that with replacement: (N - B)/(N - 1).

    With replacement the batch mean of B independent samples has variance Σ/B. Without, two members of a batch have
    covariance -Σ/(N - 1), because all N deviations sum to zero. An epoch of shuffled batches adds that partial sums
    of t of n batches have variance tC(n - t)/(n - 1) and end at zero.
    """
    spread = sp.Symbol("Sigma", positive=True)
    pair = sp.Symbol("c")
    (covariance,) = sp.solve(n_samples * spread + n_samples * (n_samples - 1) * pair, pair)
    yield Step("Covariance of two samples of one batch", None, -spread / (n_samples - 1), equals=covariance)
    together = (B_count * spread + B_count * (B_count - 1) * covariance) / B_count**2
    alone = spread / B_count
    yield Step("All samples in one batch: no noise", None, sp.Integer(0), equals=together.subs(B_count, n_samples))
    batches, taken = sp.symbols("n t", positive=True)
    partial = taken * together + taken * (taken - 1) * _between_batches(batches, together)
    stated = taken * together * (batches - taken) / (batches - 1)
    yield Step("Partial sum of t of n shuffled batches", None, sp.factor(stated), equals=partial)
    yield Step("A whole epoch", None, sp.Integer(0), equals=stated.subs(taken, batches))
    yield from _enumerated()
    return proven((n_samples - B_count) / (n_samples - 1), equals=together / alone)


def _between_batches(batches: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Covariance of two batches of one epoch, whose sum over the epoch does not vary."""
    return -variance / (batches - 1)


def _enumerated() -> Derivation:
    """All batches of two out of four samples, drawn from the rule itself."""
    values = sp.symbols("g_1:5", real=True)
    mean = sum(values) / 4
    spread = sum((value - mean) ** 2 for value in values) / 4
    pairs = list(itertools.combinations(values, 2))
    found = sum((sum(pair) / 2 - mean) ** 2 for pair in pairs) / len(pairs)
    yield Step("Two of four samples, all six batches written out", None, sp.expand(spread / 3), equals=sp.expand(found))

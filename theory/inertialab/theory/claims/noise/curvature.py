"""Gradient noise and curvature: likelihoods, squared loss, saddles of networks."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import (
    bartlett,
    noise_here,
    squared_noise,
    theta,
)
from inertialab.theory.statement import Derivation, Source, claim

y, x = sp.symbols("y x", real=True)


@claim(
    "noise.hessian-proportional",
    bartlett,
    (),
    kind="attributed",
    source=Source("xie2021diffusion", "noise covariance near minima"),
    instead="It holds for the negative log-likelihood of a well-specified model at the population minimum; with "
    "Gaussian noise of variance σ² in a model of variance 1 the ratio is σ², with interpolated data it is 0.",
    layers=("simulation", "real"),
    slips=(("loss = -sp.log(p)", "loss = sp.log(p)"),),
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
    slips=(("2: sigma**2}", "2: sigma}"),),
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
    slips=(("(second * unit(first * x) - y)", "(second + unit(first * x) - y)"),),
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

"""Gradient noise and curvature: likelihoods, squared loss, saddles of networks."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import (
    bartlett,
    noise_here,
    squared_noise,
    theta,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

y, x = sp.symbols("y x", real=True)


@claim(
    "noise.hessian-proportional",
    bartlett,
    (),
    kind="attributed",
    regime=Regime(
        (),
        "Labels are drawn from the model's own probabilities. With the labels of a data set the ratio is another: see "
        "the page on real training.",
    ),
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
    # Several parameters of any network with three classes: everything explicit.
    yield from _softmax()
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
    norm = sp.Integral(p, (y, -sp.oo, sp.oo))
    lost = sp.Integral(-sp.expand(weighted), (y, -sp.oo, sp.oo))
    yield Step(
        "Noise minus Hessian is the second derivative of the norm, which is 1",
        None,
        sp.diff(norm, theta, 2).doit(),
        equals=lost,
    )
    noise, hessian = _logistic()
    ratio = sp.simplify(noise / hessian)
    yield Step(
        "Well specified: published 1 over the derived ratio", PUBLISHED_OVER_DERIVED, sp.Integer(1), equals=1 / ratio
    )
    return proven(sp.Integer(1), equals=ratio)


def _logistic() -> tuple[sp.Expr, sp.Expr]:
    """Noise and Hessian of logistic regression whose labels have the chances of the model."""
    logit = 1 / (1 + sp.exp(-theta * x))
    outcomes = ((logit, -sp.log(logit)), (1 - logit, -sp.log(1 - logit)))
    hessian, noise = (
        sp.Add(*(weight * sp.diff(part, theta, order) ** power for weight, part in outcomes))
        for order, power in ((2, 1), (1, 2))
    )
    return noise, hessian


def _softmax() -> Derivation:
    """Mean gradient, and noise minus Hessian, of three classes whose logits are any functions of two parameters."""
    weights = sp.symbols("w_1 w_2", real=True)
    logits = [sp.Function(f"z_{i}")(*weights) for i in range(3)]
    total = sum(sp.exp(z) for z in logits)
    chances = [sp.exp(z) / total for z in logits]
    losses = [-sp.log(p) for p in chances]
    for w in weights:
        slope = sum(p * sp.diff(loss, w) for p, loss in zip(chances, losses, strict=True))
        yield Step(
            f"Softmax of any logits, labels from the model: mean gradient along {w}", None, sp.Integer(0), equals=slope
        )
    for a, b in ((0, 0), (0, 1)):
        excess = sum(
            p * (sp.diff(loss, weights[a]) * sp.diff(loss, weights[b]) - sp.diff(loss, weights[a], weights[b]))
            for p, loss in zip(chances, losses, strict=True)
        )
        yield Step(f"noise minus Hessian, entry {a + 1}{b + 1}", None, sp.Integer(0), equals=sp.cancel(excess))


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
    slips=(("second[k, a] * hidden[a]", "second[k, a] + hidden[a]"), ("subs(rest, 0)", "subs(rest, 1)")),
)
def noise_saddle_zero() -> Derivation:
    """At the origin of a two-layer network without biases the gradient of every sample vanishes, the Hessian does not.

    The slope along a weight of one layer is proportional to what the other layer passes on, which is zero at the origin
    if the units are zero at zero (linear, tanh, ReLU; not sigmoid or softplus). It is zero for every sample, whatever
    the loss, so there is no noise, while the mixed second derivative is -xy for squared loss and one unit of slope 1: a
    saddle that SGD cannot feel.
    """
    unit, fit = sp.Function("phi"), sp.Function("l")
    inputs, rest = sp.symbols("x_1 x_2", real=True), sp.Symbol("phi_0")
    first = sp.Matrix(2, 2, sp.symbols("u_:4", real=True))
    second = sp.Matrix(2, 2, sp.symbols("w_:4", real=True))
    hidden = [unit(sum(first[a, i] * inputs[i] for i in range(2))) for a in range(2)]
    outputs = [sum(second[k, a] * hidden[a] for a in range(2)) for k in range(2)]
    loss = fit(*outputs)
    weights, origin = [*first, *second], dict.fromkeys([*first, *second], 0)
    slopes = [sp.diff(loss, w).doit().subs(origin).doit().subs(unit(0), rest) for w in weights]
    yield Step(
        "Slope along the weights of the first layer, any units and any loss",
        None,
        sp.Integer(0),
        equals=sum(s**2 for s in slopes[:4]),
    )
    size = sp.Add(*(s**2 for s in slopes))
    yield Step("All slopes where the unit is zero at zero", None, sp.Integer(0), equals=size.subs(rest, 0).doit())
    for name, activation in (("linear", lambda u: u), ("tanh", sp.tanh), ("sine", sp.sin)):
        yield Step(f"so is the {name} unit", None, sp.Integer(0), equals=activation(sp.Integer(0)))
    sigmoid = 1 / (1 + sp.exp(-sp.Integer(0)))
    yield Step("but not the sigmoid, under which the noise stays", None, sp.Rational(1, 2), equals=sigmoid)
    one, other = sp.symbols("u w", real=True)
    for name, activation in (("linear", lambda u: u), ("tanh", sp.tanh)):
        hessian = sp.hessian((other * activation(one * x) - y) ** 2 / 2, (one, other)).subs({one: 0, other: 0})
        yield Step(f"Determinant of one {name} unit's Hessian: a saddle", None, -((x * y) ** 2), equals=hessian.det())
        value = sp.Matrix([1, 1]).T * hessian * sp.Matrix([1, 1]) / 2
        yield Step("Curvature along equal weights", None, -x * y, equals=value[0])
    return proven(sp.Integer(0), equals=size.subs(rest, 0).doit())

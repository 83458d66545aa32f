"""SGD on noisy labels in a valley of zero loss: it drifts to where the valley is wide."""

from collections.abc import Iterator

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import B_count, C, bend, eta, g, h, h_slope, sigma, theta, valley_drift
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

WIDTH = eta * sigma**2 * bend**2 / (B_count * h * (2 - eta * h) ** 3)
a = sp.Symbol("a", positive=True)
"""Slope of the output across the valley."""
nn, ns, ss = sp.symbols("f_nn f_ns f_ss", real=True)
"""Second derivatives of the output across and along the valley."""
across, along = sp.symbols("x s", real=True)
label = sp.Symbol("zeta", real=True)
"""Noise of the labels, mean over a batch: variance σ²/B."""


def _averaged(expression: sp.Expr) -> sp.Expr:
    """Mean over the noise of the labels of an expression of second degree in it."""
    return sp.expand(expression).subs(label**2, sigma**2 / B_count).subs(label, 0)


@claim(
    "label-noise.flatness",
    valley_drift,
    (eta, h, h_slope, sigma, B_count, bend),
    kind="asymptotic",
    layers=("numerics", "simulation"),
    regime=Regime(
        (h > 0, eta * h < 2, sp.Rational(1, 200) >= WIDTH),
        "The valley must not turn or widen much over the width of the noise; beyond it the error exceeds 2 %.",
    ),
    source=Source("damian2021label", "regularizer of label noise SGD"),
    uses=("sgd.stationary-variance",),
    order=Order(WIDTH, 1, sp.Symbol("K")),
    limits=(({"sigma": 0.0}, 0.0),),
    slips=(
        ("sp.log(1 - eta * h / 2) / (2 * eta)", "sp.log(1 - eta * h) / (2 * eta)"),
        ("loss = (output - label) ** 2 / 2", "loss = (output - label) ** 2"),
        ("h_slope / (2 * B_count", "h_slope / (4 * B_count"),
    ),
)
def label_noise_flatness() -> Derivation:
    """Drift along a valley of zero loss under SGD on noisy labels: descent on (ησ²/B)R, R = -(1/2η) tr ln(1 - ηH/2).

    On the valley the output fits the data, and what remains of the gradient is the noise of the labels times the slope
    of the output: it points across the valley, with variance hσ²/B. Across, SGD takes its stationary width at curvature
    h. There the residual x|∇f| meets a gradient that has turned by x ∂ₛ|∇f|, so that the mean step along the valley is
    -(η/2) ∂ₛh ⟨x²⟩. For small ηh the regulariser R is a quarter of the trace of the Hessian. With several curved
    directions their R add up; noise of sampling, which vanishes on the valley, is left out. The product model uv, on
    which the law is measured, has an exact step for u² - v² that gives the same.
    """
    output = a * across + nn * across**2 / 2 + ns * across * along + ss * along**2 / 2
    loss = (output - label) ** 2 / 2
    here = {across: 0, along: 0}
    curvature = sp.diff(loss, across, 2).subs(label, 0).subs(here)
    yield Step("Curvature across the valley, where the output fits", h, a**2, equals=curvature)
    valley = -ss * along**2 / (2 * a)
    slope = sp.diff(output, across) ** 2 + sp.diff(output, along) ** 2
    change = sp.diff(slope.subs(across, valley), along).subs(along, 0)
    yield Step("Its change along the valley", h_slope, 2 * a * ns, equals=change)
    noise = _averaged(sp.diff(loss, across).subs(here) ** 2)
    yield Step("Noise across the valley", C, h * sigma**2 / B_count, equals=noise.subs(a, sp.sqrt(h)))
    spread = sgd_stationary_variance.formula.subs(C, h * sigma**2 / B_count)
    width = eta * sigma**2 / (B_count * (2 - eta * h))
    yield Step("Stationary width", sp.Symbol("<x^2>"), width, equals=spread)
    (moved,) = SGD.step(g, {theta: 0}).values()
    push = _averaged(moved.subs(g, sp.diff(loss, along).subs(along, 0)))
    leading = push.coeff(across, 2) * across**2
    turned = -eta * h_slope * across**2 / 2
    yield Step("Mean step along it, second order of the width", None, turned.subs(h_slope, 2 * a * ns), equals=leading)
    readable = -eta * sigma**2 * h_slope / (2 * B_count * (2 - eta * h))
    regulariser = -sp.log(1 - eta * h / 2) / (2 * eta)
    descent = -eta * sigma**2 / B_count * sp.diff(regulariser, h) * h_slope
    yield Step("Descent on (ησ²/B)R", None, readable, equals=descent)
    small = sp.series(regulariser, eta, 0, 1).removeO()
    yield Step("R at small steps", sp.Symbol("R"), h / 4, equals=small)
    yield from _product(readable)
    return proven(readable, equals=turned.subs(across**2, spread) / eta)


def _product(readable: sp.Expr) -> Iterator[Step]:
    """The same of the model uv, from the exact step of u² - v²."""
    u, v, r, w = sp.symbols("u v r w", real=True)
    new = [SGD.step(g, {theta: one}).popitem()[1].subs(g, r * other) for one, other in ((u, v), (v, u))]
    after = new[0] ** 2 - new[1] ** 2
    yield Step(
        "Product model with residual r: u² - v² after a step", None, (u**2 - v**2) * (1 - eta**2 * r**2), equals=after
    )
    residual = sigma**2 / B_count + h * sgd_stationary_variance.formula.subs(C, h * sigma**2 / B_count)
    yield Step("Mean squared residual", None, 2 * sigma**2 / (B_count * (2 - eta * h)), equals=residual)
    # Along the hyperbola h = √(w² + 4u²v²) and the gradient of w has length 2√h.
    length = sp.sqrt((2 * u) ** 2 + (2 * v) ** 2)
    yield Step("Change of w = u² - v² along the valley", None, 2 * sp.sqrt(u**2 + v**2), equals=length)
    velocity = -w * eta * residual / (2 * sp.sqrt(h))
    slope = sp.diff(sp.sqrt(w**2 + 4 * u**2 * v**2), w).subs(sp.sqrt(w**2 + 4 * u**2 * v**2), h) * 2 * sp.sqrt(h)
    yield Step("Velocity of uv along its valley", None, readable.subs(h_slope, slope), equals=velocity)

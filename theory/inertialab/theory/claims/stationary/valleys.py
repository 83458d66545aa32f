"""SGD on noisy labels in networks that fit all samples: drift along the valley, whatever is curved across."""

from collections.abc import Iterator
from itertools import product

import sympy as sp

from inertialab.theory.claims.stationary.label_noise import WIDTH
from inertialab.theory.claims.stationary.sgd import sgd_stationary_covariance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import (
    B_count,
    C_ij,
    H,
    H_along,
    damped_slope,
    eta,
    g,
    h,
    h_i,
    h_j,
    h_lowest,
    n_samples,
    output_slopes,
    sigma,
    spread_slope,
    theta,
    valley_drift,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim
from inertialab.theory.valleys import along_sampled_valley, along_valley

TURNS = WIDTH.subs(h, h_lowest)
"""Square of the width across the flattest curved direction in units of the valley's turns."""


def _narrow(hypotheses: str, batches: sp.Rel) -> Regime:
    """Where the noise stays within the valley's turns, and batches are as a claim has them."""
    turns = "The valley must not turn or widen much over the width of the noise across its flattest curved direction."
    return Regime((), f"{hypotheses} {turns}", (sp.Rational(1, 200) >= TURNS, batches))


@claim(
    "label-noise.flatness-network",
    valley_drift,
    (eta, H, H_along, sigma, B_count),
    kind="asymptotic",
    layers=("real",),
    regime=_narrow(
        "Every sample is fitted, the step is stable, and every step sees all samples, each with a fresh label: for "
        "batches see label-noise.flatness-sampled.",
        B_count >= n_samples,
    ),
    source=Source("damian2021label", "regularizer of label noise SGD"),
    uses=("label-noise.flatness", "sgd.stationary-covariance"),
    change=along_valley,
    slips=(
        ("sp.log(flat.det()) / (2 * eta)", "sp.log(flat.det()) / (4 * eta)"),
        ("(output - label) ** 2 / 4", "(output - label) ** 2 / 2"),
        ("2 * sp.eye(2) - eta * curvature", "sp.eye(2) - eta * curvature"),
    ),
)
def label_noise_flatness_network() -> Derivation:
    """Drift along a valley of zero loss with any number of curved directions: descent on (ησ²/B)R of the whole Hessian.

    Where a network fits all its samples, the noise of labels has the covariance σ²H/B, and the state across has
    Σ = (ησ²/B)(2 - ηH)⁻¹, without correlations between eigen-directions. To second order across, the slope along the
    valley is half of Σᵢⱼ ∂ₛH_ij x_i x_j, and its mean a trace: that of ∂ₛR for R = -(1/2η) tr ln(1 - ηH/2). Flat
    directions have no noise, and the Hessian does not change there: they add nothing. For small steps R is a quarter of
    the trace of the Hessian. Written out for two samples and two curved directions.
    """
    x, y, s = sp.symbols("x y s", real=True)
    yield from _two_samples(x, y, s)
    level = sigma**2 * h_i / B_count
    spread = sgd_stationary_covariance.formula.subs(C_ij, level).subs(h_j, h_i)
    width = eta * sigma**2 / (B_count * (2 - eta * h_i))
    yield Step("Width of the state across, in the eigenbasis", sp.Symbol("Sigma_ii"), width, equals=spread)
    (aa, ab, bb), (da, db, dd) = sp.symbols("H_11 H_12 H_22", real=True), sp.symbols("dH_11 dH_12 dH_22", real=True)
    curvature, change = sp.Matrix([[aa, ab], [ab, bb]]), sp.Matrix([[da, db], [db, dd]])
    state = (2 * sp.eye(2) - eta * curvature).inv() * eta * sigma**2 / B_count
    step, kick = sp.eye(2) - eta * curvature, eta**2 * sigma**2 / B_count * curvature
    left = (step * state * step + kick - state).applyfunc(sp.simplify)
    missed = sum(entry**2 for entry in left)
    yield Step("Σ = (ησ²/B)(2 - ηH)⁻¹ less what a step makes of it", None, sp.Integer(0), equals=missed)
    trace = sp.simplify(((2 * sp.eye(2) - eta * curvature).inv() * change).trace())
    push = -sp.simplify((state * change).trace()) / 2
    yield Step("Mean slope along the valley, downwards", None, -eta * sigma**2 / (2 * B_count) * trace, equals=push)
    flat = sp.eye(2) - eta * (curvature + s * change) / 2
    descent = sp.diff(sp.log(flat.det()) / (2 * eta), s).subs(s, 0) * eta * sigma**2 / B_count
    yield Step("Descent on (ησ²/B)R", None, -eta * sigma**2 / (2 * B_count) * trace, equals=descent)
    readable = -eta * sigma**2 * damped_slope / (2 * B_count)
    return proven(readable, equals=sp.simplify(push / trace) * damped_slope)


@claim(
    "label-noise.flatness-sampled",
    valley_drift,
    (eta, output_slopes, H_along, sigma, B_count),
    kind="asymptotic",
    layers=("real",),
    regime=_narrow(
        "Every sample is fitted, batches are drawn with replacement, and the state across has a variance.",
        B_count < n_samples,
    ),
    uses=("label-noise.flatness", "label-noise.flatness-network"),
    change=along_sampled_valley,
    slips=(
        ("(signal + sigma**2) * part / 2", "sigma**2 * part / 2"),
        ("- hessian * state * hessian", "+ hessian * state * hessian"),
        ("eta**2 / size * (drawn", "eta**2 * (drawn"),
    ),
)
def label_noise_flatness_sampled() -> Derivation:
    """Drift along a valley of zero loss under batches: -½ tr(Σ ∂ₛH), Σ widened by the drawing of residuals.

    Across the valley the outputs miss the data by residuals as large as the noise of labels lets them be, and which of
    them a batch sees is chance. Their share of the noise is of the order of ηh/B beside that of the labels: at learning
    rates in use it moves a network along its valley up to twice as fast as the regulariser of the labels alone. The
    covariance Σ maps to itself under (1 - ηH)Σ(1 - ηH) + (η²/B)(⟨(aΣa + σ²)aaᵀ⟩ - HΣH), a the slopes of a sample's
    output, which is linear in Σ; here for two samples, batches of one and of two. For short steps it is the same law.
    """
    slopes = [sp.Matrix(sp.symbols(names, real=True)) for names in ("a_1 a_2", "b_1 b_2")]
    state = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"S_{min(i, j) + 1}{max(i, j) + 1}"))
    hessian = sum((v * v.T for v in slopes), sp.zeros(2)) / 2
    drawn = sp.zeros(2)
    for v in slopes:
        signal, part = (v.T * state * v)[0], v * v.T
        drawn += (signal + sigma**2) * part / 2
    step = sp.eye(2) - eta * hessian
    for size in (1, 2):
        after = step * state * step + eta**2 / size * (drawn - hessian * state * hessian)
        found = _drawn_batches(slopes, state, size)
        for i, j in ((0, 0), (0, 1)):
            stated = sp.expand(after[i, j])
            yield Step(f"All batches of {size}, entry {i + 1}{j + 1}", None, stated, equals=sp.expand(found[i, j]))
    one = eta * sigma**2 / (B_count * (2 - eta * h))
    mapped = (1 - eta * h) ** 2 * one + eta**2 / B_count * ((h * one + sigma**2) * h - h**2 * one)
    yield Step("One sample: nothing is drawn, the width is that of labels", sp.Symbol("Sigma"), one, equals=mapped)
    x, y = sp.symbols("x y", real=True)
    change = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"dH_{min(i, j) + 1}{max(i, j) + 1}"))
    across = sp.Matrix([x, y])
    slope = sp.expand((across.T * change * across)[0] / 2)
    mean = slope.subs({x * y: state[0, 1], x**2: state[0, 0], y**2: state[1, 1]}, simultaneous=True)
    trace = (state * change).trace()
    yield Step("Mean slope along the valley", None, sp.expand(trace / 2), equals=mean)
    return proven(-spread_slope / 2, equals=sp.simplify(-mean / trace) * spread_slope)


def _drawn_batches(slopes: list[sp.Matrix], state: sp.Matrix, size: int) -> sp.Matrix:
    """Second moments after a step, mean over all batches of two samples, their labels and the state."""
    total = sp.zeros(2)
    for batch in product(slopes, repeat=size):
        pull = sum((v * v.T for v in batch), sp.zeros(2)) / size
        kick = sum((v * v.T for v in batch), sp.zeros(2)) * sigma**2 / size**2
        step = sp.eye(2) - eta * pull
        total += step * state * step + eta**2 * kick
    return total / len(slopes) ** size


def _two_samples(x: sp.Symbol, y: sp.Symbol, s: sp.Symbol) -> Iterator[Step]:
    """Slope along a valley of two fitted samples, from their outputs to second order."""
    slopes, mixed = sp.Matrix(2, 2, sp.symbols("a_1:5", real=True)), sp.Matrix(2, 2, sp.symbols("b_1:5", real=True))
    across, noise = sp.Matrix([x, y]), sp.symbols("zeta_1 zeta_2", real=True)
    outputs = [(slopes[k, :] * across)[0] + (mixed[k, :] * across)[0] * s for k in range(2)]
    loss = sp.Add(*((output - label) ** 2 / 4 for output, label in zip(outputs, noise, strict=True)))
    quiet = dict.fromkeys(noise, 0)
    hessian = sp.hessian(loss.subs(quiet), (x, y)).subs({x: 0, y: 0})
    turned = sp.expand((across.T * sp.diff(hessian, s).subs(s, 0) * across)[0] / 2)
    mean = sp.expand(sp.diff(loss, s).subs(s, 0).subs(quiet))
    yield Step("Slope along the valley, mean over the noise of labels", None, turned, equals=mean)
    (moved,) = SGD.step(g, {theta: 0}).values()
    kicks = [moved.subs(g, sp.diff(loss, along).subs({x: 0, y: 0, s: 0})) for along in (x, y)]
    both = {noise[0] ** 2: sigma**2, noise[1] ** 2: sigma**2, noise[0] * noise[1]: 0}
    # A batch of one: its gradient is twice its part of the loss's, and each of the two samples comes half the time.
    for name, (i, j) in {"same direction": (0, 0), "two directions": (0, 1)}.items():
        found = 2 * sp.expand(kicks[i] * kicks[j]).subs(both).subs(noise[0] * noise[1], 0)
        stated = eta**2 * sigma**2 * hessian.subs(s, 0)[i, j]
        yield Step(f"Covariance of the kicks of one label, {name}", None, sp.expand(stated), equals=sp.expand(found))

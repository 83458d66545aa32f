"""The loss that shuffled epochs follow in the mean over their orderings."""

from itertools import permutations

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import epoch_excess, eta, g, g_rms, h_top, n_batches, square_slope, theta
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

NEXT = eta * n_batches * h_top**2 * g_rms / sp.Abs(square_slope)
"""Size of what follows in the series, over the claim."""


def _epoch(order: tuple[int, ...], gradients: list[sp.Expr]) -> sp.Expr:
    """Place after the minibatches in this order, to second order in the learning rate."""
    place = sp.Integer(0)
    for i in order:
        (moved,) = SGD.step(g, {theta: place}).values()
        place = moved.subs(g, gradients[i].subs(theta, place))
        place = sum(sp.expand(place).coeff(eta, power) * eta**power for power in (1, 2))
    return place


def _all_orderings(number: int) -> tuple[sp.Expr, sp.Expr]:
    """Mean place after an epoch minus that of gradient flow, and the slope of the mean squared gradient."""
    slopes = sp.symbols(f"g_1:{number + 1}", real=True)
    curvatures = sp.symbols(f"h_1:{number + 1}", real=True)
    gradients = [a + b * theta for a, b in zip(slopes, curvatures, strict=True)]
    orders = list(permutations(range(number)))
    mean = sum(_epoch(order, gradients) for order in orders) / sp.Integer(len(orders))
    time = eta * number
    flow = -time * sum(slopes) / number + time**2 / 2 * sum(curvatures) * sum(slopes) / number**2
    squares = sum(gradient**2 for gradient in gradients) / sp.Integer(number)
    return sp.expand(mean - flow), sp.diff(squares, theta).subs(theta, 0)


@claim(
    "sgd.shuffled-modified-loss",
    epoch_excess,
    (eta, n_batches, square_slope, h_top, g_rms),
    kind="asymptotic",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (n_batches >= 2, sp.Rational(1, 20) >= NEXT),
        "An epoch must be short against the time in which the gradients change.",
    ),
    source=Source("smith2021origin", "modified loss of random shuffling"),
    order=Order(NEXT, 1, sp.Symbol("K")),
    limits=(({"square_slope": 0.0}, 0.0),),
    slips=(
        ("eta**2 * pairs / 2", "eta**2 * pairs"),
        ("-(eta**2) * n * square_slope / 4", "-(eta**2) * n * square_slope / 2"),
        ("time**2 / 2", "time**2"),
    ),
)
def sgd_shuffled_modified_loss() -> Derivation:
    """Mean over all orderings of an epoch: gradient flow on L + (η/4n) Σ|∇Lᵢ|².

    In an epoch of n minibatches every one is used once. To second order the gradient of each is changed by the steps of
    those before it, and over all orderings every pair stands either way equally often: the mean of the place after the
    epoch lacks, against gradient flow on L for the time nη, the terms with one minibatch twice. They are the gradient
    of the squared gradients. Independent minibatches follow L + (η/4)|∇L|² in the mean, as gradient descent does. The
    next term is smaller by nη times a curvature; the regime speaks of losses whose third derivative times the gradient
    is at most the curvature squared.
    """
    n = n_batches
    steps, bends, both = sp.symbols("Sum(g) Sum(h) Sum(h*g)", real=True)
    pairs, pairs_symbol = bends * steps - both, sp.Symbol("Sum(h_j*g_i)")
    yield Step("Sum over pairs of different minibatches, each in either order half the time", pairs_symbol, pairs)
    mean = -eta * steps + eta**2 * pairs / 2
    time = n * eta
    flow = -time * steps / n + time**2 / 2 * (bends / n) * (steps / n)
    yield Step("Mean place after an epoch minus gradient flow", None, -(eta**2) * both / 2, equals=mean - flow)
    slope, curvature = sp.symbols("g_i h_i", real=True)
    squared = sp.diff((slope + curvature * theta) ** 2, theta).subs(theta, 0)
    yield Step("Derivative of a squared gradient", None, 2 * slope * curvature, equals=squared)
    readable = -(eta**2) * n * square_slope / 4
    for number in (2, 3, 4):
        found, derivative = _all_orderings(number)
        stated = readable.subs({n: number, square_slope: derivative}, simultaneous=True)
        yield Step(f"All orderings of {number} minibatches, written out", None, sp.expand(stated), equals=found)
    force = -time * eta / (4 * n) * n * square_slope
    yield Step("Time nη times the force of (η/4n)Σ|∇Lᵢ|²", None, readable, equals=force)
    return proven(readable, equals=(mean - flow).subs(both, n * square_slope / 2))

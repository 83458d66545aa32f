"""Adam with a batch that grows: which learning rate takes it as far on as many samples."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAM
from inertialab.theory.notation import beta, beta2, delta, eta, g, g_std, k, k_batch, slope, theta, travel
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

SHORT = sp.Rational(1, 20)
SLOW = (beta2 < 1, 1 - beta2 <= SHORT, k_batch * (1 - beta2) <= SHORT)
NOTE = "The second moment must average over many steps, with either batch; the error is up to 5/8 of 1 - beta2."
SIGNAL = k_batch * slope**2 / g_std**2
"""Squared slope over the variance of the gradient of the large batch."""


@claim(
    "adam.batch-scaling",
    travel,
    (k_batch, slope, g_std, beta2),
    kind="asymptotic",
    layers=("simulation",),
    regime=Regime(SLOW, NOTE),
    limits=(({"g_std": 1e12}, 1.0),),
    slips=(
        ("sp.sqrt(k_batch) * eta", "k_batch * eta"),
        ("slope**2 + g_std**2 / k_batch", "slope**2 + g_std**2"),
        ("steps / k_batch", "steps"),
    ),
)
def adam_batch_scaling() -> Derivation:
    """Way of Adam on a slope with batch ϰB at rate √ϰ η, the rule of the square root, over that with B at η.

    On as many samples, ϰ times fewer steps. The mean of the momentum is the slope, whatever β₁, and a second moment
    that averages over many steps is its mean, slope squared plus noise: in a step Adam goes ηL'/√(L'² + σ²). The noise
    of the large batch is ϰ times smaller in variance. Where noise dominates the two go equally far; where the slope
    does, both go a learning rate in a step and the large batch is 1/√ϰ as far. What is left out is of the order of
    1 - β₂: a second moment that fluctuates, and that it holds the gradient which the momentum weighs.
    """
    rules = dict(ADAM.assignments)
    first, square = sp.symbols("<m> <v>", positive=True)
    (momentum,) = sp.solve(rules[average].subs({average: first, g: slope}) - first, first)
    yield Step("Stationary mean of the momentum", first, slope, equals=momentum)
    (moment,) = sp.solve(rules[second].subs({second: square, g**2: slope**2 + g_std**2}) - square, square)
    yield Step("Stationary mean of the second moment", square, slope**2 + g_std**2, equals=moment)
    late = (rules[theta] - theta).subs({beta**k: 0, beta2**k: 0, delta: 0}).subs({average: first, second: square})
    yield Step("Mean step, the second moment at its mean", None, -eta * first / sp.sqrt(square), equals=late)
    steps = sp.Symbol("T", positive=True)
    small = steps * late.subs({first: slope, square: slope**2 + g_std**2})
    large = late.subs({first: slope, square: slope**2 + g_std**2 / k_batch}).subs(eta, sp.sqrt(k_batch) * eta)
    yield Step("Way of the small batch", None, -steps * eta * slope / sp.sqrt(slope**2 + g_std**2), equals=small)
    far = -steps * eta * slope / sp.sqrt(k_batch * slope**2 + g_std**2)
    yield Step("Way of the large one in fewer steps", None, far, equals=large * steps / k_batch)
    readable = sp.sqrt((g_std**2 + slope**2) / (g_std**2 + k_batch * slope**2))
    alone = sp.limit(readable, g_std, 0)
    yield Step("Without noise", None, 1 / sp.sqrt(k_batch), equals=alone)
    return proven(readable, equals=far / small)


@claim(
    "adam.square-root-scaling",
    travel,
    (k_batch, slope, g_std, beta2),
    kind="attributed",
    layers=("simulation",),
    regime=Regime(
        (*SLOW, SIGNAL <= SHORT / 2, SIGNAL / k_batch <= SHORT / 2),
        "Beyond it the slope is no longer small beside the noise.",
    ),
    source=Source("malladi2022sdes", "square root scaling rule of Adam"),
    uses=("adam.batch-scaling",),
    corrected_by="adam.batch-scaling",
    instead="Where the slope is not small beside the noise of the large batch it falls behind, by 1/√ϰ in the end.",
    order=Order(SIGNAL, 1, (k_batch - 1) / (2 * k_batch)),
    limits=(({"g_std": 1e12}, 1.0),),
    slips=(("1 / adam_batch_scaling.formula", "2 / adam_batch_scaling.formula"),),
)
def adam_square_root_scaling() -> Derivation:
    """The rule of the square root: with a batch ϰ times as large, √ϰ η and ϰ(1 - β) Adam does the same on its samples.

    The published rule keeps the stochastic differential equation of Adam, which holds where noise dominates. There the
    way on a slope is the same; to the next order the large batch falls behind.
    """
    published = sp.Integer(1)
    yield Step("The published rule", travel, published, assumed=True)
    ratio = sp.sqrt((g_std**2 + k_batch * slope**2) / (g_std**2 + slope**2))
    yield Step("Divided by what follows", PUBLISHED_OVER_DERIVED, ratio, equals=1 / adam_batch_scaling.formula)
    weak = sp.limit(adam_batch_scaling.formula, slope, 0)
    return proven(published, equals=weak)

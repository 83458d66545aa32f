"""The loss that shuffled epochs follow in the mean over all orderings."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import epoch_shift, eta, g, h, n_batches, slope_curvature, slope_mean, theta
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim


@claim(
    "sgd.shuffled-modified-loss",
    epoch_shift,
    (eta, h, slope_mean, slope_curvature, n_batches),
    kind="asymptotic",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (
            n_batches >= 2,
            eta * n_batches * sp.Abs(h) <= sp.Rational(1, 10),
            sp.Abs(n_batches * h * slope_mean - slope_curvature) >= n_batches * sp.Abs(h * slope_mean) / 2,
        ),
        "Second order in the steps of an epoch, where its two parts do not cancel; no minibatch may have a curvature "
        "far beyond the mean.",
    ),
    source=Source("smith2021origin", "implicit gradient regularisation of SGD"),
    order=Order(eta * n_batches * h, 1, sp.Symbol("c")),
    limits=(({"eta": 1e-12}, 0.0),),
    slips=(("if i != j", "if i <= j"), ("- diagonal", "+ diagonal")),
)
def sgd_shuffled_modified_loss() -> Derivation:
    """Mean displacement of one epoch of SGD over all orderings of its minibatches, beyond n steps of the full gradient.

    After k steps the gradient of minibatch i is L'_i - ηL''_i ΣL'_j over the batches before it. Over all orderings of
    two different batches each comes first as often as last, so the second order is η²Σ_{i≠j}L''_iL'_j/2, which is
    (η²/2)(n²hL' - nL''_iL'_i) with the mean over i. To that order the epoch follows the gradient flow of the loss
    L + (η/4n)Σ|∇L_i|² for a time ηn, whose own second order is (ηn)²hL'/2: the full-batch part has a sign of its own.
    """
    n = n_batches
    # Two batches written out: both orders of the true rule, each batch a parabola of slope a_i and curvature b_i.
    slopes, bends = sp.symbols("a_1:4", real=True), sp.symbols("b_1:4", real=True)

    def epoch(order: tuple[int, ...]) -> sp.Expr:
        at = sp.Integer(0)
        for i in order:
            at = SGD.step(g)[theta].subs({theta: at, g: slopes[i] + bends[i] * at}, simultaneous=True)
        return sp.expand(at)

    from_all = []
    for count in (2, 3):
        orders = list(sp.utilities.iterables.permutations(range(count)))
        mean = sp.expand(sum(epoch(order) for order in orders) / len(orders)).coeff(eta, 2)
        pairs = sum(bends[i] * slopes[j] for i in range(count) for j in range(count) if i != j) / 2
        yield Step(f"All orderings of {count} batches, second order", None, sp.expand(pairs), equals=mean)
        from_all.append(mean)
    total, diagonal = n**2 * h * slope_mean, n * slope_curvature
    share = sp.Rational(1, 2) * (total - diagonal)
    two = share.subs({n: 2, h: sum(bends[:2]) / 2, slope_mean: sum(slopes[:2]) / 2})
    own = two.subs(slope_curvature, sum(a * b for a, b in zip(slopes[:2], bends[:2], strict=True)) / 2)
    yield Step("The same by means over the batches, for two", None, from_all[0], equals=sp.expand(own))
    # The modified loss: its slope has ηΣ(L_i'²)'/4n beside L', and a flow of time ηn bends by (ηn)²L''L'/2.
    flow = (eta * n) ** 2 * h * slope_mean / 2 - eta * n * (eta / (4 * n)) * 2 * n * slope_curvature
    readable = eta**2 * n / 2 * (n * h * slope_mean - slope_curvature)
    yield Step("Flow of the modified loss for a time ηn, to second order", None, readable, equals=flow)
    return proven(readable, equals=eta**2 * share)

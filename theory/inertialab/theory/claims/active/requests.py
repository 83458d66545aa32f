"""What a label that is asked for by chance, and weighted by the inverse of the chance, stands for."""

import numpy as np
import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    P_high,
    P_low,
    ask_power,
    asked_noise,
    chances,
    k,
    loss_range,
    n_samples,
    size_power,
    slopes,
    trace_labels,
    weighted_loss,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

p, loss, g, other = sp.symbols("p l g g_2", positive=True)
u = sp.Symbol("u", positive=True)
_IWAL = Source("beygelzimer2009importance", "importance weights")


def over_coin(asked: sp.Expr, chance: sp.Expr) -> sp.Expr:
    """Mean over the coin: asked for with this chance, else nothing."""
    return chance * asked + (1 - chance) * 0


@claim(
    "iwal.unbiased",
    weighted_loss,
    (),
    kind="exact",
    source=_IWAL,
    layers=("numerics",),
    slips=(("over_coin(loss / p, p)", "over_coin(loss, p)"),),
)
def iwal_unbiased() -> Derivation:
    """Weighted losses of labels asked for by chance have the mean of all losses, however the chance was chosen.

    A label that is asked for with chance p counts 1/p. Given everything before the row and the row itself, whose label
    the coin does not know, the mean over the coin is the loss; the chance may depend on all that was seen, so the means
    of whole runs agree too.
    """
    of_round = over_coin(loss / p, p)
    yield Step("Mean over the coin of one round, given the past", None, loss, equals=of_round)
    second, likely = sp.symbols("l_2 p_2", positive=True)
    unlikely = sp.Symbol("p_3", positive=True)
    both = p * (loss / p + over_coin(second / likely, likely)) + (1 - p) * over_coin(second / unlikely, unlikely)
    yield Step("Two rounds, the second chance depending on the first coin", None, loss + second, equals=both)
    return proven(sp.Integer(1), equals=of_round / loss)


@claim(
    "iwal.range",
    loss_range,
    (P_high, P_low),
    kind="exact",
    regime=Regime((P_high >= P_low, P_high <= 1), "Two chances, the larger one first."),
    layers=("numerics",),
    limits=(({"P_high": 1.0, "P_low": 1.0}, 0.0),),
    slips=(("1 - chance if label", "1 + chance if label"),),
)
def iwal_range() -> Derivation:
    """For the loss 1 - P(y|x) the largest difference of two losses is the range of P(1|x), for either label.

    So the chance to ask needs no search over labels and pairs, and a weighted difference of losses lies between -1 and
    1: the condition of the slacks.
    """

    def loss_of(chance: sp.Expr, label: int) -> sp.Expr:
        return 1 - chance if label else chance

    lower = sp.Symbol("P", positive=True)
    for label in (0, 1):
        ends = (P_low, P_high) if label == 0 else (P_high, P_low)
        apart = loss_of(ends[1], label) - loss_of(ends[0], label)
        yield Step(f"Losses of the outermost hypotheses for label {label}", None, P_high - P_low, equals=apart)
    inner = (P_high - P_low) - (P_high - lower)
    yield Step("What any pair within lacks is not negative", None, lower - P_low, equals=inner)
    return proven(P_high - P_low, equals=loss_of(P_low, 1) - loss_of(P_high, 1))


def _mean_over_chances(*, slopes: np.ndarray, chances: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean(slopes**2 / chances))


@claim(
    "iwal.noise",
    asked_noise,
    (slopes, chances),
    kind="exact",
    uses=("iwal.unbiased",),
    numerics=_mean_over_chances,
    layers=("simulation",),
    slips=(("over_coin((g / p) ** 2, p)", "over_coin(g**2 / p, p)"), ("(g / p) * (other / p)", "g * (other / p)")),
)
def iwal_noise() -> Derivation:
    """Noise of a gradient of labels asked for: E[(Q/p)² g gᵀ] = E[g gᵀ/p], larger by the inverse of the chance.

    The mean gradient is that of all labels. Rows that are seldom asked for make rare and large steps; in the laws of
    SGD the covariance of the minibatch gradient C becomes this minus the square of the mean.
    """
    square = over_coin((g / p) ** 2, p)
    yield Step("Square of one row's weighted gradient, over the coin", None, g**2 / p, equals=square)
    cross = over_coin((g / p) * (other / p), p)
    yield Step("Two directions", None, g * other / p, equals=cross)
    yield Step("Mean gradient", None, g, equals=over_coin(g / p, p))
    yield Step("What asking adds to the square of a row", None, g**2 * (1 - p) / p, equals=square - g**2)
    mean = sp.Sum(square.subs({g: slopes, p: chances}), (k, 1, n_samples)) / n_samples
    return proven(sp.Sum(slopes**2 / chances, (k, 1, n_samples)) / n_samples, equals=mean.doit().simplify())


@claim(
    "iwal.best-p",
    trace_labels,
    (ask_power, size_power),
    kind="exact",
    uses=("iwal.noise",),
    regime=Regime(
        (
            ask_power >= 0,
            1 + size_power * (2 - ask_power) > 0,
        ),
        "Sizes of gradients u^b, u uniform between 0 and 1, and chances to ask u^(ab); the noise must be finite.",
    ),
    layers=("simulation",),
    limits=(({"ask_power": 1.0}, 1.0),),
    slips=(("2 * size_power - chance", "size_power - chance"), ("/ moment(size_power) ** 2", "/ moment(size_power)")),
)
def iwal_best_p() -> Derivation:
    """Noise times labels is least where the chance to ask is proportional to the size of the gradient.

    E[g²/p] E[p] ≥ (E|g|)² by Cauchy and Schwarz, with equality at p ∝ |g|; shown for two rows of any shares, and worked
    out for sizes u^b asked for with the power a of their size. Both a = 0, all labels, and a = 2 lose as much.
    """
    share, chance_2 = sp.symbols("w p_2", positive=True)
    product = (share * g**2 / p + (1 - share) * other**2 / chance_2) * (share * p + (1 - share) * chance_2)
    least = (share * g + (1 - share) * other) ** 2
    waste = share * (1 - share) * (g * chance_2 - other * p) ** 2 / (p * chance_2)
    yield Step("Two rows: what is lost is a square, zero where p goes with |g|", None, waste, equals=product - least)
    power = sp.Symbol("n", positive=True)
    whole = sp.integrate(u**power, (u, 0, 1))

    def moment(exponent: sp.Expr) -> sp.Expr:
        return whole.subs(power, exponent)

    chance = ask_power * size_power
    trace = moment(2 * size_power - chance)
    yield Step("Mean of g²/p", None, 1 / (1 + size_power * (2 - ask_power)), equals=trace)
    ratio = trace * moment(chance) / moment(size_power) ** 2
    readable = (1 + size_power) ** 2 / ((1 + size_power) ** 2 - size_power**2 * (1 - ask_power) ** 2)
    return proven(readable, equals=ratio)

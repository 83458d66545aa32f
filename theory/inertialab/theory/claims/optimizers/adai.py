"""Adaptive inertia itself: its mean, its invariance, the bias of its momentum and what that does to convergence."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAI
from inertialab.theory.notation import (
    C,
    beta0,
    beta2,
    end_gradient,
    eps,
    eta,
    g,
    kappa,
    mean_beta,
    momentum_bias,
    same_rate,
    scale,
    theta,
    third,
    v_hat,
    v_mean,
    v_second,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import q as correction
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "adai.inertia-mean",
    mean_beta,
    (beta0,),
    kind="exact",
    source=Source("xie2022adaptive", "algorithm Adai"),
    layers=("numerics", "real"),
    limits=(({"beta0": 1e-06}, 1.0),),
)
def adai_inertia_mean() -> Derivation:
    """Mean momentum coefficient of Adai over all coordinates, unless clipped: 1 - β₀ at every step.

    The inertia 1 - β₁ of a coordinate is β₀ times its second moment over the mean of all second moments. Clipping
    sets in below ε/β₀ and above 1/β₀ times the mean second moment.
    """
    rule = dict(ADAI.assignments)[kappa]
    middle = beta0 * v_hat / v_mean
    yield Step("Inertia of a coordinate", kappa, sp.Min(1, sp.Max(eps, middle)), equals=rule)
    count, i = sp.Symbol("n", integer=True, positive=True), sp.Symbol("i", integer=True)
    moments = sp.IndexedBase("v")
    everything = sp.Sum(moments[i], (i, 1, count))
    mean = sp.Sum(1 - middle.subs(v_hat, moments[i]), (i, 1, count)) / count
    total = sp.expand(mean.doit())
    gathered = 1 - beta0 / v_mean * everything / count
    yield Step("Mean of 1 minus it, unclipped", None, gathered, equals=total.replace(sp.Sum, _factored))
    (low,) = sp.solve(middle - eps, v_hat)
    (high,) = sp.solve(middle - 1, v_hat)
    yield Step("The inertia bound is reached at", None, eps / beta0, equals=low / v_mean)
    yield Step("Momentum is gone at", None, 1 / beta0, equals=high / v_mean)
    return proven(1 - beta0, equals=gathered.subs(everything, count * v_mean))


def _factored(term: sp.Expr, *limits: tuple[sp.Symbol, sp.Expr, sp.Expr]) -> sp.Expr:
    """A sum with everything that does not depend on its index drawn out."""
    inside, outside = term.as_independent(limits[0][0])[::-1]
    return outside * sp.Sum(inside, *limits)


@claim(
    "adai.scale-invariance",
    same_rate,
    (scale,),
    kind="exact",
    source=Source("xie2022adaptive", "algorithm Adai"),
    uses=("adai.inertia-mean",),
    layers=("numerics", "real"),
    limits=(({"scale": 1.0}, 1.0),),
)
def adai_scale_invariance() -> Derivation:
    """Adai on c times the loss does what Adai does on the loss at c times the learning rate, step by step.

    Gradients and buffers are c times, second moments c² times as large; their ratio to the mean, and with it the
    inertia, does not change. Adam, by contrast, does not notice the factor at all.
    """
    units = {g: scale, average: scale, second: scale**2, v_hat: scale**2, v_mean: scale**2}
    for symbol, expression in ADAI.assignments:
        grown = expression.subs({x: x * units.get(x, 1) for x in expression.free_symbols}, simultaneous=True)
        wanted = expression.subs(eta, eta * scale) * units.get(symbol, 1)
        name = f"Line of the update that sets {symbol}: difference"
        yield Step(name, None, sp.Integer(0), equals=sp.simplify(sp.expand(grown - wanted)))
    step = dict(ADAI.assignments)[theta] - theta
    rate = sp.Symbol("rate", positive=True)
    (solution,) = sp.solve(step.subs(average, scale * average) - step.subs(eta, rate), rate)
    return proven(scale, equals=solution / eta)


@claim(
    "adai.momentum-bias",
    momentum_bias,
    (beta2, kappa, v_second, third),
    kind="asymptotic",
    regime=Regime(
        (
            beta2 < 1,
            beta2 >= sp.Rational(9, 10),
            kappa <= 1 - beta2,
            (1 - beta2) * third**2 <= v_second**3 / 20,
        ),
        "Leading order of a slow second moment, also against the kurtosis K: (1 - beta2)(K - 1) << 1; with a larger "
        "inertia the bias is small, and next orders of its size. The inertia must not be clipped, and many coordinates "
        "share the mean second moment.",
    ),
    uses=("adai.inertia-mean",),
    layers=("simulation",),
    limits=(({"third": 0.0}, 0.0),),
    slips=(("share * third / kappa", "share * third"), ("(1 + marker * delta)", "(1 - marker * delta)")),
)
def adai_momentum_bias() -> Derivation:
    """Skewed gradient noise biases Adai's momentum; the bias does not depend on the learning rate.

    The inertia contains the very gradient that it weighs. In the stationary state of m' = m + κ_t(ĝ - m) the mean of
    κ_t(ĝ - m) vanishes. With κ_t = κ(1 + δ), to first order of the fluctuation δ, ⟨m⟩ - ⟨ĝ⟩ = ⟨δĝ⟩ - ⟨δm⟩ with the
    buffer of constant inertia. δ follows (1 - β₂)Σβ₂ʲĝ² and m follows κΣ(1 - κ)ʲĝ; products of ĝ² and ĝ of the same
    step have the mean κ₃ + 2μC, the third central moment where the mean gradient μ is small. Built from the previous
    second moment the sign turns.
    """
    rule = dict(ADAI.assignments)[average]
    yield Step("Adai's buffer", average, average + kappa * (g - average), equals=rule)
    middle = beta0 * v_hat / v_mean
    inertia = middle.subs(v_mean, beta0 * v_second / kappa)
    yield Step(
        "Inertia in units of its mean κ, unclipped", sp.Symbol("kappa_t"), kappa * v_hat / v_second, equals=inertia
    )
    marker, delta, plain, change = sp.symbols("e delta m_0 m_1")
    pull = sp.expand(kappa * (1 + marker * delta) * (g - plain - marker * change)).coeff(marker, 1)
    (settled,) = sp.solve(pull, change)
    yield Step(
        "First order of the mean of κ_t(ĝ - m): its vanishing gives m's change",
        change,
        delta * (g - plain),
        equals=settled,
    )
    newest = dict(ADAI.assignments)[second].subs(second, 0) / g**2
    yield Step("Weight of the newest squared gradient", None, 1 - beta2, equals=newest)
    square, mu = sp.symbols("<g^2> mu")
    moments = {1: mu, 2: square, 3: third + 3 * mu * square - 2 * mu**3}  # of ĝ, by its third central moment
    together = sp.expand(moments[3] - moments[2] * moments[1]).subs(square, C + mu**2)
    yield Step("Covariance of ĝ² and ĝ", None, third + 2 * mu * C, equals=sp.expand(together))
    share = kappa / v_second * newest  # of κ per unit of squared gradient
    same = share * third / kappa
    j = sp.Symbol("j", integer=True, nonnegative=True)
    fading = sp.summation(beta2 ** (j + 1) * kappa * (1 - kappa) ** j, (j, 0, sp.oo))
    value = beta2 * kappa / (1 - beta2 * (1 - kappa))
    yield Step("Overlap of the memories of κ and of the previous m", None, value, equals=_geometric(fading))
    readable = (1 - beta2) ** 2 * third / (v_second * (1 - beta2 + beta2 * kappa))
    earlier = -(1 - beta2) * kappa * third / (v_second * (1 - beta2 + beta2 * kappa))
    previous = 0 - same * value / beta2
    yield Step("Bias if κ were built from the previous second moment", None, earlier, equals=previous)
    return proven(readable, equals=same - same * value)


def _geometric(sum_or_value: sp.Expr) -> sp.Expr:
    """The convergent branch of SymPy's answer to a geometric series."""
    if isinstance(sum_or_value, sp.Expr) and not sum_or_value.has(sp.Piecewise):
        return sp.simplify(sum_or_value)
    (piece,) = sum_or_value.atoms(sp.Piecewise)
    return sp.simplify(sum_or_value.subs(piece, piece.args[0].expr))


@claim(
    "adai.end-gradient",
    end_gradient,
    (beta2, kappa, C, third),
    kind="asymptotic",
    regime=Regime(
        (
            C > 0,
            beta2 < 1,
            beta2 >= sp.Rational(9, 10),
            kappa <= 1 - beta2,
            (1 - beta2) * third**2 <= C**3 / 20,
        ),
        adai_momentum_bias.regime.note,
    ),
    uses=("adai.momentum-bias",),
    layers=("simulation",),
    limits=(({"third": 0.0}, 0.0),),
    slips=(("third + 2 * slope * C", "third - 2 * slope * C"),),
)
def adai_end_gradient() -> Derivation:
    """Squared gradient at which Adai comes to rest on a parabola under skewed noise, as the learning rate vanishes.

    The parameter stands still in the mean where the mean buffer vanishes: where the mean gradient μ is minus the bias.
    The bias is proportional to the covariance of ĝ² and ĝ, κ₃ + 2μC, in which μ itself stands.
    """
    step = dict(ADAI.assignments)[theta] - theta
    yield Step("A step is proportional to the buffer", None, -eta * average / correction, equals=step)
    slope = sp.Symbol("mu")
    bias = adai_momentum_bias.rhs.subs(third, third + 2 * slope * C).subs(v_second, C)
    (rest,) = sp.solve(slope + bias, slope)
    at_rest = -((1 - beta2) ** 2) * third / (C * (1 - beta2 + beta2 * kappa + 2 * (1 - beta2) ** 2))
    yield Step("Mean gradient where the mean buffer vanishes", slope, at_rest, equals=rest)
    lone = adai_momentum_bias.rhs.subs(v_second, C)
    yield Step(
        "Leading order: minus the bias",
        None,
        sp.Integer(-1),
        equals=sp.limit((rest / lone).subs(kappa, 1 - beta2), beta2, 1),
    )
    readable = (1 - beta2) ** 4 * third**2 / (C**2 * (1 - beta2 + beta2 * kappa + 2 * (1 - beta2) ** 2) ** 2)
    return proven(readable, equals=rest**2)


@claim(
    "adai.convergence-attributed",
    end_gradient,
    (),
    kind="attributed",
    source=Source("xie2022adaptive", "convergence theorem"),
    uses=("adai.momentum-bias", "adai.end-gradient"),
    corrected_by="adai.end-gradient",
    expected="refuted",
    instead="The iterates settle where the gradient is minus the bias of the momentum; the statement needs symmetric "
    "noise or an inertia that does not contain the gradients it weighs.",
    layers=("simulation",),
    slips=(("(sp.Rational(1, 5), -2 * sigma)", "(sp.Rational(1, 5), 2 * sigma)"),),
)
def adai_convergence_attributed() -> Derivation:
    """The squared gradient tends to zero as 1/√T for all bounded noise.

    Counterexample: a parabola under bounded noise of two values, σ/2 with probability 4/5 and -2σ with 1/5. The
    parameter stands still in the mean only where the mean buffer vanishes, hence where the mean gradient is minus the
    bias, however small the learning rate. Started on the far side it never passes the minimum. Without skewness the
    limit is zero, as published.
    """
    sigma = sp.Symbol("sigma", positive=True)
    values = ((sp.Rational(4, 5), sigma / 2), (sp.Rational(1, 5), -2 * sigma))
    moments = [sum(weight * value**order for weight, value in values) for order in (1, 2, 3)]
    yield Step("Mean of the noise", None, sp.Integer(0), equals=moments[0])
    yield Step("Its variance", None, sigma**2, equals=moments[1])
    yield Step("Its third moment", None, -sp.Rational(3, 2) * sigma**3, equals=moments[2])
    end = adai_end_gradient.rhs
    there = end.subs({third: moments[2], C: moments[1]})
    memory = 1 - beta2 + beta2 * kappa + 2 * (1 - beta2) ** 2
    excess = -sp.Rational(9, 4) * (1 - beta2) ** 4 * sigma**2 / memory**2
    yield Step(
        "Limit of the squared gradient: published 0 minus derived", PUBLISHED_MINUS_DERIVED, excess, equals=-there
    )
    return proven(sp.Integer(0), equals=end.subs(third, 0))

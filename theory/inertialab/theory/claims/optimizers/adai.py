"""Adaptive inertia itself: its mean, its invariance, the bias of its momentum and what that does to convergence."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAI
from inertialab.theory.notation import (
    beta0,
    beta2,
    end_gradient,
    eps,
    eta,
    g,
    h,
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
        (beta2 < 1, beta2 >= sp.Rational(9, 10), kappa <= 1),
        "It is the leading order of a slow second moment, 1 - beta2 << 1.",
    ),
    uses=("adai.inertia-mean",),
    layers=("simulation",),
    limits=(({"third": 0.0}, 0.0),),
)
def adai_momentum_bias() -> Derivation:
    """Skewed gradient noise biases Adai's momentum; the bias does not depend on the learning rate.

    The inertia contains the very gradient that it weighs. In the stationary state of m' = m + κ(g - m) the mean of
    κ(g - m) vanishes, so ⟨m⟩ - μ = [Cov(κ, g) - Cov(κ, m)]/⟨κ⟩. With a slow second moment κ follows
    (1 - β₂)Σβ₂ʲg² and m follows κΣ(1 - κ)ʲg; where the mean gradient is small, products of g² and g of the same
    step have the third moment as their mean. Built from the previous second moment the sign turns.
    """
    rule = dict(ADAI.assignments)[average]
    yield Step("Adai's buffer", average, average + kappa * (g - average), equals=rule)
    E = {name: sp.Symbol(f"<{name}>") for name in ("k", "m", "g")}
    with_g, with_m = sp.Symbol("Cov(k,g)"), sp.Symbol("Cov(k,m)")
    stationary = with_g + E["k"] * E["g"] - with_m - E["k"] * E["m"]
    (mean,) = sp.solve(stationary, E["m"])
    yield Step("Stationary bias ⟨m⟩ - ⟨g⟩", None, (with_g - with_m) / E["k"], equals=mean - E["g"])
    j = sp.Symbol("j", integer=True, nonnegative=True)
    past = sp.Function("g")(j)
    inertia = kappa * second / v_second
    yield Step("The mean second moment over all coordinates is constant", sp.Symbol("kappa_t"), inertia, assumed=True)
    frozen = sp.Sum(kappa * (1 - kappa) ** j * past, (j, 0, sp.oo))
    yield Step("In m the inertia is replaced by its mean (leading order)", sp.Symbol("m_t"), frozen, assumed=True)
    newest = dict(ADAI.assignments)[second].subs(second, 0) / g**2
    yield Step("Weight of the newest squared gradient", None, 1 - beta2, equals=newest)
    share = kappa / v_second * newest  # of κ per unit of squared gradient
    same = share * third
    fading = sp.summation(beta2 ** (j + 1) * kappa * (1 - kappa) ** j, (j, 0, sp.oo))
    value = beta2 * kappa / (1 - beta2 * (1 - kappa))
    yield Step("Overlap of the memories of κ and of the previous m", None, value, equals=_geometric(fading))
    readable = (1 - beta2) ** 2 * third / (v_second * (1 - beta2 + beta2 * kappa))
    earlier = -(1 - beta2) * kappa * third / (v_second * (1 - beta2 + beta2 * kappa))
    previous = (0 - same * value / beta2) / kappa
    yield Step("Bias if κ were built from the previous second moment", None, earlier, equals=previous)
    return proven(readable, equals=(same - same * value) / kappa)


def _geometric(sum_or_value: sp.Expr) -> sp.Expr:
    """The convergent branch of SymPy's answer to a geometric series."""
    if isinstance(sum_or_value, sp.Expr) and not sum_or_value.has(sp.Piecewise):
        return sp.simplify(sum_or_value)
    (piece,) = sum_or_value.atoms(sp.Piecewise)
    return sp.simplify(sum_or_value.subs(piece, piece.args[0].expr))


@claim(
    "adai.convergence-attributed",
    end_gradient,
    (),
    kind="attributed",
    source=Source("xie2022adaptive", "convergence theorem"),
    uses=("adai.momentum-bias",),
    corrected_by="adai.momentum-bias",
    expected="refuted",
    instead="The iterates settle where the gradient is minus the bias of the momentum; the statement needs symmetric "
    "noise or an inertia that does not contain the gradients it weighs.",
    layers=("simulation",),
)
def adai_convergence_attributed() -> Derivation:
    """The squared gradient tends to zero as 1/√T for all bounded noise.

    Counterexample: a parabola under bounded noise of two values, σ/2 with probability 4/5 and -2σ with 1/5. The
    parameter stands still in the mean only where the mean buffer vanishes, hence where the mean gradient is minus the
    bias, however small the learning rate. Started on the far side it never passes the minimum.
    """
    sigma = sp.Symbol("sigma", positive=True)
    values = ((sp.Rational(4, 5), sigma / 2), (sp.Rational(1, 5), -2 * sigma))
    moments = [sum(weight * value**order for weight, value in values) for order in (1, 2, 3)]
    yield Step("Mean of the noise", None, sp.Integer(0), equals=moments[0])
    yield Step("Its variance", None, sigma**2, equals=moments[1])
    yield Step("Its third moment", None, -sp.Rational(3, 2) * sigma**3, equals=moments[2])
    step = dict(ADAI.assignments)[theta] - theta
    yield Step(
        "The parameter stands still in the mean where the mean buffer vanishes",
        None,
        -eta * average / correction,
        equals=step,
    )
    (rest,) = sp.solve(h * theta + momentum_bias, theta)
    yield Step("Mean buffer is gradient plus bias: it vanishes at", theta, -momentum_bias / h, equals=rest)
    bias = adai_momentum_bias.rhs.subs({third: moments[2], v_second: moments[1]})
    end = (h * rest).subs(momentum_bias, bias) ** 2
    excess = -sp.Rational(9, 4) * (1 - beta2) ** 4 * sigma**2 / (1 - beta2 + beta2 * kappa) ** 2
    yield Step("Limit of the squared gradient: published 0 minus derived", PUBLISHED_MINUS_DERIVED, excess, equals=-end)
    yield Step("Published limit", end_gradient, sp.Integer(0), assumed=True)
    return proven(sp.Integer(0), equals=end.subs(sigma, 0))

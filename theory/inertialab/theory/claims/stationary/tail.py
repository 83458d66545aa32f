"""Power-law tail of SGD at rest under minibatches of different curvature."""

import sympy as sp

from inertialab.theory.claims.stationary.multiplicative import second_moment, sgd_mean_square_stability
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.heavy_tails import tail_index as numerics
from inertialab.theory.notation import C, V, batch_shares, c2, curvatures, eta, g, h, n_samples, tail_index, theta, xi
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

alpha, s, x = sp.symbols("alpha s x", positive=True)
a, c, push = sp.symbols("a c b", positive=True)
batch = sp.Symbol("h_B", real=True)


@claim(
    "sgd.tail-index",
    tail_index,
    (eta, curvatures, batch_shares),
    kind="exact",
    regime=Regime(
        (),
        "Steps must contract on average, E ln|1 - ηh_B| < 0, and some must carry away, |1 - ηh_B| > 1; the part of the "
        "noise that does not grow with the distance must have a lighter tail. Where all ln|1 - ηh_B| are multiples of "
        "one number the power law is modulated by a periodic function of ln x.",
    ),
    source=Source("gurbuzbalaban2021heavy", "index of the stationary law"),
    uses=("sgd.mean-square-stability",),
    layers=("numerics", "simulation", "real"),
    numerics=numerics,
    slips=(("density.subs(x, x / a) / a", "density.subs(x, x / a)"), ("1 - mean_power", "1 + mean_power")),
)
def sgd_tail_index() -> Derivation:
    """Tail of SGD at rest: P(|θ| > x) falls as x^{-α} with E|1 - ηh_B|^α = 1, exact in the learning rate.

    A minibatch of curvature h_B multiplies the distance from the minimum by 1 - ηh_B. If now and then that is more than
    one, long runs of such batches carry away however light the noise is, and moments exist only below α (Kesten 1973,
    Goldie 1991; for SGD Gürbüzbalaban et al. 2021 and Hodgkinson and Mahoney 2021). The variance stops existing where α
    is 2: the edge of sgd.mean-square-stability. Noise and curvature of one batch may depend on each other.
    """
    (new,) = SGD.step(g).values()
    yield Step(
        "A step with the gradient h_Bθ + ξ",
        None,
        (1 - eta * batch) * theta - eta * xi,
        equals=sp.expand(new.subs(g, batch * theta + xi)),
    )
    density = alpha * c * x ** (-1 - alpha)
    beyond = sp.integrate(density, (x, s, sp.oo))
    yield Step("Density of a tail P(|θ| > s) = cs^{-α}: αcx^{-1-α}", None, c * s**-alpha, equals=sp.simplify(beyond))
    carried = density.subs(x, x / a) / a
    yield Step("A factor a carries it to", None, a**alpha * density, equals=sp.powsimp(sp.expand_power_base(carried)))
    moved = sp.limit(((1 + push / x) ** (-1 - alpha)), x, sp.oo)
    yield Step("What is added to it is nothing far away: the density there over that here", None, sp.Integer(1), moved)
    (balance,) = sp.solve(sp.Eq(sp.Symbol("m") * c, c), sp.Symbol("m"))
    yield Step("Stationary: the mean of |1 - ηh_B|^α over the batches", sp.Symbol("m"), sp.Integer(1), equals=balance)
    yield from _moments()
    yield from _examples()
    n = sp.Symbol("n", integer=True, positive=True)
    weight, bend = sp.Function("w"), sp.Function("h")
    mean = sp.Sum(weight(n) * sp.Abs(1 - eta * bend(n)) ** tail_index, (n, 1, n_samples))
    factor = sp.diff(new.subs(g, bend(n) * theta), theta)
    derived = sp.Sum(weight(n) * sp.Abs(factor) ** tail_index, (n, 1, n_samples))
    root = sp.Function("root")
    return proven(root(mean - balance), equals=root(derived - 1))


def _moments() -> Derivation:
    """The same from the moments E|θ|^s, which are finite below α."""
    moment, rest, mean_power = sp.symbols("M F m_s", positive=True)
    (fixed,) = sp.solve(sp.Eq(moment, mean_power * moment + rest), moment)
    yield Step(
        "E|θ|^s is E|1 - ηh_B|^s of itself and a part that is smaller far away",
        moment,
        rest / (1 - mean_power),
        equals=fixed,
    )
    gap = sp.Symbol("d", positive=True)  # α - s
    far = sp.integrate(alpha * x ** (-1 - gap), (x, 1, sp.oo))
    yield Step(
        "It has a pole where the mean is 1; so has that of a tail x^{-α}, at s = α", None, alpha / gap, equals=far
    )


def _examples() -> Derivation:
    """Two kinds of batches, and the power at which the variance ends."""
    doubled = sp.Symbol("q", positive=True)  # 2^α
    kinds = doubled / 3 + 2 / (3 * doubled)
    (larger,) = [r for r in sp.solve(kinds - 1, doubled) if r != 1]
    yield Step(
        "Every third batch doubles the distance, the others halve it", tail_index, 1, equals=sp.log(larger) / sp.log(2)
    )
    squared = sp.expand((1 - eta * batch) ** 2).subs({batch**2: h**2 + c2}).subs(batch, h)
    yield Step(
        "α = 2: the mean square, with the variance c₂ of the curvature",
        None,
        sp.diff(second_moment(), V(0)),
        equals=squared,
    )
    (edge,) = [r for r in sp.solve(squared - 1, eta) if r != 0]
    yield Step("is 1 at the edge of the second moment", None, sgd_mean_square_stability.formula, equals=edge)


@claim(
    "sgd.tail-index-diffusion",
    tail_index,
    (eta, h, c2),
    kind="attributed",
    regime=Regime(
        (h > 0, c2 > 0),
        "A diffusion knows mean and variance of the curvatures alone: small steps, and batches whose curvatures are "
        "as often negative as positive.",
    ),
    source=Source("mori2022power", "stationary density of squared loss"),
    uses=("sgd.tail-index", "sgd.mean-square-stability"),
    corrected_by="sgd.tail-index",
    instead="The factors |1 - ηh_B| themselves decide, not two moments of h_B: E|1 - ηh_B|^α = 1.",
    expected="refuted",
    layers=("numerics", "simulation"),
    limits=(({"c2": 1e30}, 1.0),),
    slips=(("D = eta * (C + c2 * x**2) / 2", "D = eta * (C + c2 * x**2)"),),
)
def sgd_tail_index_diffusion() -> Derivation:
    """Tail of the diffusion whose noise grows with the distance: P(|θ| > x) falls as x^{-1 - 2h/(ηc₂)}.

    The stationary density of dθ = -hθ dt + √(η(C + c₂θ²)) dW, Ito, is a power of C + c₂θ²; for squared loss c₂ = h²/B.
    At the rate at which the variance of SGD ceases to exist the diffusion still has one.
    """
    D = eta * (C + c2 * x**2) / 2
    power = h / (eta * c2)
    density = (C + c2 * x**2) ** (-1 - power)
    current = -h * x * density - sp.diff(D * density, x)
    yield Step("Diffusion", sp.Symbol("D"), D, assumed=True)
    yield Step(
        "Current of the density (C + c₂x²)^{-1 - h/(ηc₂)}", None, sp.Integer(0), equals=sp.simplify(current / density)
    )
    fall = sp.limit(-x * sp.diff(density, x) / density, x, sp.oo) - 1
    readable = 1 + 2 * h / (eta * c2)
    edge = sgd_mean_square_stability.formula
    excess = sp.expand(sp.simplify(readable.subs(eta, edge) - 2))
    yield Step("Where SGD loses its variance, at α = 2", PUBLISHED_MINUS_DERIVED, h**2 / c2, equals=excess)
    return proven(readable, equals=sp.expand(fall))

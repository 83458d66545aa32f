"""How strongly the derivative of a function is to be penalised: the local optimum and the price of missing it."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    R_H,
    R_V,
    H_out,
    R_q,
    V_out,
    density,
    f2,
    mistuned,
    n_examples,
    r_strength,
    strength,
    strength_ratio,
    wave,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

width = sp.Symbol("w", positive=True)
"""Over which a penalised fit averages its labels."""
lam = sp.Symbol("lambda", positive=True)
u = sp.Symbol("u", positive=True)
PUBLISHED = Source("cao2021heteroskedastic", "adaptive smoothing")
ONE = sp.Integer(1)
_FIFTH = V_out / (16 * H_out**2 * density * n_examples * f2**2)


def narrow(factor: sp.Expr = ONE, share: float = 1 / 40) -> Regime:
    """The kernel, times a factor, is at most this share of the length over which the true function changes."""
    relation = _FIFTH ** sp.Rational(1, 5) * wave * factor <= sp.nsimplify(share)
    return Regime(
        (),
        "Leading order of many examples: the width of the kernel must be small beside the length over which the true "
        "function changes, and beside the region in which noise and density are the same.",
        (relation,),
    )


def squared_error(at: sp.Expr, V: sp.Expr = V_out, H: sp.Expr = H_out, q: sp.Expr = density) -> sp.Expr:
    """Local mean squared error of a fit whose kernel has a width: bias and variance."""
    return at**4 * f2**2 + V / (4 * n_examples * q * H**2 * at)


@claim(
    "har.strength",
    strength,
    (H_out, V_out, density, n_examples, f2),
    kind="asymptotic",
    regime=narrow(),
    source=PUBLISHED,
    layers=("numerics",),
    limits=(({"f2": 1e30}, 0.0), ({"n": 1e30}, 0.0)),
    slips=(
        ("sp.exp(-u / width) / (2 * width)", "sp.exp(-u / width) / width"),
        ("bias = moment / 2 * f2", "bias = moment * f2"),
        ("width**2 - 2 * lam / H_out", "width**2 - lam / H_out"),
    ),
)
def har_strength() -> Derivation:
    """Optimal strength of a penalty of the squared derivative, λ f'² for each example: (2^⅖/8) H^⅕ (V/nq)^⅖ |f''|^-⅘.

    Near the true function f the penalised mean loss is a quadratic with curvature qH, so that the error e of a fit
    obeys qH e - 2λq e'' = 2λq f'' + noise of variance qV/n. A label is felt over the kernel exp(-|u|/w)/2w with
    w² = 2λ/H. Its second moment makes the bias, its square the variance of the fit. The logarithm of the sum of both
    has one minimum. The exponents: ⅗ in the variance I of a label for the logistic loss, whose H and V are both I; ⅖ in
    that of the noise for the squared loss, whose H is 1. In one dimension, away from edges.
    """
    yield Step("Near the true function the mean loss is a parabola; its curvature", None, density * H_out, assumed=True)
    half = sp.exp(-u / width) / (2 * width)
    rest = (half - width**2 * sp.diff(half, u, 2)) * H_out
    yield Step("Kernel of e - w²e'' beside its centre: residual", None, sp.Integer(0), equals=rest)
    jump = -2 * width**2 * sp.diff(half, u).subs(u, 0)
    yield Step("Its slope jumps by what a unit source asks for", None, sp.Integer(1), equals=jump)
    (found,) = sp.solve(width**2 - 2 * lam / H_out, lam)
    yield Step("Strength that makes this width", lam, H_out * width**2 / 2, equals=found)
    moment = 2 * sp.integrate(u**2 * half, (u, 0, sp.oo))
    bias = moment / 2 * f2
    yield Step("Bias: half the second moment times f''", None, width**2 * f2, equals=bias)
    roughness = 2 * sp.integrate(half**2, (u, 0, sp.oo))
    variance = density * V_out / n_examples / (density * H_out) ** 2 * roughness
    yield Step("Squared error at a width", None, squared_error(width), equals=sp.expand(bias**2 + variance))
    slope = sp.expand(sp.diff(squared_error(width), width) * width**2)
    fifth = sp.Symbol("w5", positive=True)
    (best,) = sp.solve(slope.subs(width, fifth ** sp.Rational(1, 5)), fifth)
    yield Step("Fifth power of the best width", fifth, _FIFTH, equals=best)
    readable = (
        2 ** sp.Rational(2, 5)
        / 8
        * H_out ** sp.Rational(1, 5)
        * (V_out / (n_examples * density)) ** sp.Rational(2, 5)
        / f2 ** sp.Rational(4, 5)
    )
    return proven(readable, equals=found.subs(width, best ** sp.Rational(1, 5)))


@claim(
    "har.mistuning",
    mistuned,
    (r_strength,),
    kind="asymptotic",
    regime=narrow(sp.sqrt(r_strength)),
    uses=("har.strength",),
    layers=("numerics",),
    limits=(({"r": 1.0}, 1.0),),
    slips=(("best * sp.sqrt(r_strength)", "best * r_strength"),),
)
def har_mistuning() -> Derivation:
    """Price of a wrong strength: squared error at r times the optimal strength over that at the optimum.

    The width goes with the root of the strength, the squared bias with its square, the variance with one over its root;
    at the optimum the bias makes a fifth of the error. Twice the optimal strength costs 37 percent, half of it 18: too
    little is cheaper than too much.
    """
    best = sp.Symbol("w^*", positive=True)
    (V,) = sp.solve(sp.diff(squared_error(width), width).subs(width, best), V_out)
    balanced = 16 * best**5 * f2**2 * n_examples * density * H_out**2
    yield Step("Variance for which a width is best", V_out, balanced, equals=V)
    error = squared_error(best).subs(V_out, V)
    yield Step("Bias makes a fifth of it", None, sp.Rational(1, 5), equals=best**4 * f2**2 / error)
    elsewhere = squared_error(best * sp.sqrt(r_strength)).subs(V_out, V)
    readable = (r_strength ** sp.Rational(5, 2) + 4) / (5 * sp.sqrt(r_strength))
    return proven(readable, equals=sp.simplify(elsewhere / error))


@claim(
    "har.two-regions",
    strength_ratio,
    (R_H, R_V, R_q),
    kind="asymptotic",
    regime=narrow(share=1 / 150),
    source=PUBLISHED,
    uses=("har.strength",),
    layers=("numerics",),
    limits=(({"R_H": 1.0, "R_V": 1.0, "R_q": 1.0}, 1.0),),
    slips=(("density: R_q * density", "density: density / R_q"),),
)
def har_two_regions() -> Derivation:
    """Optimal strengths of two regions, fitted together: R_H^⅕ R_V^⅖ R_q^-⅖, each as if it were alone.

    What a region takes from its neighbour reaches a kernel's width beyond the edge. Logistic loss: R_I^⅗ R_q^-⅖.
    Squared loss: R_V^⅖ R_q^-⅖. The true function is alike in both.
    """
    one = har_strength.formula
    other = one.subs({H_out: R_H * H_out, V_out: R_V * V_out, density: R_q * density}, simultaneous=True)
    ratio = other / one
    variance = sp.Symbol("R_I", positive=True)
    alike = ratio.subs({R_H: variance, R_V: variance, R_q: 1})
    yield Step("Logistic loss, equal densities", None, variance ** sp.Rational(3, 5), equals=sp.powsimp(alike))
    yield Step("Squared loss, equal densities", None, R_V ** sp.Rational(2, 5), equals=ratio.subs({R_H: 1, R_q: 1}))
    readable = R_H ** sp.Rational(1, 5) * (R_V / R_q) ** sp.Rational(2, 5)
    return proven(readable, equals=ratio)

"""Watson's lemma for the two integrals of a first-passage time: leading order and the first correction.

A lemma of its own, since several laws rest on it: ∫f(x)e^{-ψ(x)/ε}dx around the least value of ψ, by the substitution
ψ = ψ₂w²/2, whose inverse is a power series in w. Every power of w integrates to a Gaussian moment.
"""

import sympy as sp

from inertialab.theory.derivation import Step
from inertialab.theory.statement import Derivation

w, x = sp.symbols("w x", real=True)
small = sp.Symbol("epsilon", positive=True)


def watson(
    second: sp.Expr, third: sp.Expr, fourth: sp.Expr, first_weight: sp.Expr, second_weight: sp.Expr
) -> Derivation:
    """Steps that end with ∫f e^{-ψ/ε}dx over f₀√(2πε/ψ₂), to first order in ε.

    Args:
        second: Second derivative of ψ where it is least, > 0.
        third: Third derivative.
        fourth: Fourth derivative.
        first_weight: f'/f there.
        second_weight: f''/f there.
    """
    a, b = sp.symbols("a b")
    place = w + a * w**2 + b * w**3
    energy = second * x**2 / 2 + third * x**3 / 6 + fourth * x**4 / 24
    rest = sp.expand(energy.subs(x, place) - second * w**2 / 2)
    inverse = {a: -third / (6 * second), b: 5 * third**2 / (72 * second**2) - fourth / (24 * second)}
    for order in (3, 4):
        left = sp.expand(rest.coeff(w, order).subs(inverse))
        yield Step(
            f"ψ = ψ₂w²/2 at x = w + aw² + bw³: what is left of order w^{order}", None, sp.Integer(0), equals=left
        )
    weight = 1 + first_weight * x + second_weight * x**2 / 2
    integrand = sp.expand((weight.subs(x, place) * sp.diff(place, w)).subs(inverse))
    moment = sp.integrate(w**2 * sp.exp(-second * w**2 / (2 * small)), (w, -sp.oo, sp.oo))
    moment = sp.simplify(moment / sp.integrate(sp.exp(-second * w**2 / (2 * small)), (w, -sp.oo, sp.oo)))
    found = 1 + integrand.coeff(w, 2) * moment
    readable = 1 + small * (
        5 * third**2 / (24 * second**3)
        - fourth / (8 * second**2)
        - first_weight * third / (2 * second**2)
        + second_weight / (2 * second)
    )
    yield Step("Integral over its leading order, first order in ε", None, readable, equals=found)
    return readable

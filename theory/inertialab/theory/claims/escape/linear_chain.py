"""Leaving a level in training, and in the linear chain that the same optimizer makes of Hessian and noise."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import L3, C, beta, eta, exit_ratio, h
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


@claim(
    "minima.exits-linear",
    exit_ratio,
    (),
    kind="asymptotic",
    layers=("real",),
    regime=Regime(
        (), "Small steps at a level that is kept in standard deviations; the ratio is off by the order of η."
    ),
    uses=("sgd.quasi-potential-ellipsoid",),
    slips=(("L3 * a**3 / 6", "L3 * a**2 / 6"), ("sp.exp(-cost(a)) + sp.exp(-cost(-a))", "2 * sp.exp(-cost(a))")),
)
def minima_exits_linear() -> Derivation:
    """Trainings leave a level around a minimum as fast as the linear chain of Hessian and noise there does.

    Under any optimizer that forgets: the linear chain is that optimizer on the quadratic loss ½θᵀHθ with Gaussian noise
    of covariance C, both those of the minimum. At a level of so many standard deviations, a√η, a third derivative
    changes the exponent by the order of √η, with opposite signs at the two ends, so that it cancels in the rate of
    both; noise that is linear in the place does likewise, and what is left is of the order of η. The linear chain needs
    no small step: with momentum its state moves smoothly across the level, and an exit takes longer than that of SGD at
    the same one.
    """
    A, _ = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    yield Step("Modes of momentum on the quadratic loss: their product is β whatever h", None, beta, equals=A.det())
    a = sp.Symbol("a", positive=True)
    scale = sp.sqrt(eta)

    def cost(a: sp.Expr) -> sp.Expr:
        return 2 / (eta * C) * (h * (a * scale) ** 2 / 2 + scale**3 * L3 * a**3 / 6)

    plain = h * a**2 / C
    change = scale * L3 * a**3 / (3 * C)
    yield Step("Exponent at the end a√η of an uneven loss", None, plain + change, equals=cost(a))
    both = (sp.exp(-cost(a)) + sp.exp(-cost(-a))) / (2 * sp.exp(-plain))
    yield Step("Rate through both ends over that of the even loss", None, sp.cosh(change), equals=both.rewrite(sp.cosh))
    first = sp.series(sp.cosh(change), scale, 0, 2).removeO()
    left = eta * L3**2 * a**6 / (18 * C**2)
    yield Step(
        "What is left is of the order of η", None, left, equals=eta * sp.limit((sp.cosh(change) - 1) / eta, eta, 0)
    )
    return proven(sp.Integer(1), equals=first)

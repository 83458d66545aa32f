"""What CProp's gate leaves of the temperature of directions that relax long before the scale forgets."""

from functools import cache

import numpy as np
import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import CPROP_SGD
from inertialab.theory.notation import C, beta, c, delta, eta, g_mean, g_var, h, heat, theta, w, z
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

_x, _q, _S, _A, _size = sp.symbols("x q S A X", positive=True)
REACH = 4.5
"""Units of sum and place beyond which nothing is left of their law: a cubic potential confines them."""


@cache
def mean_size() -> float:
    """⟨|x|⟩ of dx = q dt + dW, dq = -|x| dx - sign(x) dt, at rest: by two grids, whose errors are of second order."""
    coarse, fine = (_on_grid(cells) for cells in (40, 80))
    return (4 * fine - coarse) / 3


def _on_grid(cells: int) -> float:
    """The same on one grid of cells, in x and in p = q + x|x|/2, which moves at the speed -sign(x)/2 alone."""
    x = (np.arange(cells) + 0.5) / cells * 2 * REACH - REACH
    width = x[1] - x[0]
    edges = (x[1:] + x[:-1]) / 2
    drift = 2 * width * (x[None] - (edges * abs(edges))[:, None] / 2)  # of x at its edges, for each p
    still = abs(drift) < 1e-9
    moving = np.where(still, 1.0, drift)
    rise = np.where(still, 1.0, moving / -np.expm1(-moving))  # exact for a drift that is constant from cell to cell
    up, down = rise / (2 * width**2), (rise - drift) / (2 * width**2)
    along = np.diag(np.full(cells - 1, 1.0), -1) - np.diag(np.full(cells - 1, 1.0), 1)
    along[0, 0], along[-1, -1] = -1.0, 1.0
    law = _at_rest(up, down, [-np.sign(at) / (4 * width) * along for at in x])
    return float(law.sum(1) @ abs(x) / law.sum())


def _at_rest(up: np.ndarray, down: np.ndarray, across: list[np.ndarray]) -> np.ndarray:
    """Law that transitions leave as it is: blocks are eliminated from the first x to the last.

    Args:
        up: Rates from one x to the next, shape (cells - 1, cells).
        down: Rates back.
        across: Generator at each x.
    """
    cells = len(across)
    leaving = np.zeros((cells, cells))
    leaving[:-1] += up
    leaving[1:] += down
    blocks, factors = [a - np.diag(out) for a, out in zip(across, leaving, strict=True)], []
    for i in range(cells - 1):
        factors.append(-np.linalg.solve(blocks[i], np.diag(down[i])))  # law here from the law at the next x
        blocks[i + 1] = blocks[i + 1] + up[i][:, None] * factors[i]
    law = [np.linalg.svd(blocks[-1])[2][-1]]  # what the last block leaves as it is
    for factor in reversed(factors):
        law.append(factor @ law[-1])
    return np.array(law[::-1])


@claim(
    "cprop.fast-temperature",
    heat,
    (eta, h, beta, c),
    kind="asymptotic",
    source=Source("preechakul2019cprop", "algorithm"),
    regime=Regime(
        (
            h > 0,
            beta < 1,
            eta * h <= sp.Rational(1, 20),
            120 * (1 - beta) <= eta * h * c,
            50 * c**2 * (1 - beta) <= eta * h,
        ),
        "The direction relaxes long before the scale forgets, by small steps, 1 - beta << eta*h*c and eta*h << 1, and "
        "the scale stays far below 1. What is left out is a relative (1 - beta)/(eta*h*c) to the power 2/3: 5% at the "
        "edge.",
    ),
    layers=("simulation",),
    limits=(({"beta": 1.0}, 0.0),),
    slips=(("_q + _x**3 / 3", "_q + _x**3"), ("(C / (h * eta * _A))", "(C / (2 * h * eta * _A))")),
)
def cprop_fast_temperature() -> Derivation:
    """Variance of CProp on a fast direction over that of SGD: it falls with the third root of the learning rate.

    The number in front is twice ⟨|x|⟩, of the law of steps without a unit.
    While nothing is forgotten the average of gradients is their sum S, and gradients of a direction at rest add up to
    little: the scale is small and in proportion to |S|. Both are driven by the same gradients, dS = hθ dt + dW and
    dθ = -ηA|S| dS less what the newest gradient adds to its own scale. In units in which no constant is left, S = X x,
    this has one law at rest, and all temperatures are powers of one ratio.
    """
    yield Step(
        "While nothing is forgotten and steps are small the sum of gradients is a diffusion, with one law at rest",
        sp.Symbol("dS"),
        h * theta * sp.Symbol("dt") + sp.Symbol("dW"),
        assumed=True,
    )
    yield from _slope()
    yield Step("Mean of (S + ĝ)ĝ, a step over -ηA, at S > 0", None, C, equals=_own_part())
    unit = (C / (h * eta * _A)) ** sp.Rational(1, 3)
    time = unit**2 / C
    place = eta * _A * unit**2
    push, own = sp.simplify(h * place * time / unit), sp.simplify(eta * _A * C * time / place)
    yield Step("Push by the place in units of the sum and its time", None, sp.Integer(1), equals=push)
    yield Step("A step's own part in units of the place", None, sp.Integer(1), equals=own)
    f = _x * _q + _x**3 / 3
    yield Step("Mean change of xq + x³/3 at x > 0: ⟨q²⟩ is ⟨|x|⟩", None, _q**2 - _x, equals=sp.expand(_change(f)))
    number = sp.Rational(round(1e4 * mean_size()), 10_000)
    yield Step("⟨|x|⟩ of the law at rest, by its equation on a grid", _size, number, assumed=True)
    slope = c * sp.sqrt(2 * (1 - beta) / (sp.pi * C))
    over = (place**2 / (eta * C / (2 * h))).subs(_A, slope)
    power = (2 * c**2 * (1 - beta) / (sp.pi * eta * h)) ** sp.Rational(1, 3)
    ratio = sp.simplify(sp.expand_power_base(sp.powdenest(over / power, force=True), force=True))
    yield Step("Squared unit of the place over SGD's variance, over the third root", None, sp.Integer(2), equals=ratio)
    return proven(2 * number * power, equals=ratio * number * power)


def _own_part() -> sp.Expr:
    """What a gradient adds to its own step by being in the scale, in the mean over Gaussian ones."""
    spread = sp.Symbol("s", positive=True)
    density = sp.exp(-(_x**2) / (2 * spread**2)) / (sp.sqrt(2 * sp.pi) * spread)
    x = sp.Symbol("x", real=True)
    found = sp.integrate(((_S + _x) * _x * density).subs(_x, x), (x, -sp.oo, sp.oo))
    return sp.simplify(found).subs(spread, sp.sqrt(C))


def _change(f: sp.Expr) -> sp.Expr:
    """Mean change of a function of x > 0 and q in a unit of time, both driven by one noise."""
    first = _q * sp.diff(f, _x) - _x * _q * sp.diff(f, _q) - sp.diff(f, _q)
    return first + sp.diff(f, _x, 2) / 2 - _x * sp.diff(f, _x, _q) + _x**2 * sp.diff(f, _q, 2) / 2


def _slope() -> Derivation:
    """The rule's scale where gradients add up to little, A|S|."""
    rule = dict(CPROP_SGD.assignments)
    (scale,) = sp.expand(rule[theta]).atoms(sp.Min)
    (inside,) = (part for part in scale.args if part != 1)
    distance = rule[z].subs(delta, 0).subs({g_var: C, w: 1 - beta, g_mean: (1 - beta) * _S})
    long = sp.sqrt((1 - beta) / C) * _S  # of many gradients
    small = sp.symbols("epsilon", positive=True)
    ratio = sp.limit(sp.simplify((distance / long).subs(beta, 1 - small)), small, 0)
    yield Step("Distance of the sum S from zero over √((1 - β)/C) S, long memory", None, sp.Integer(1), equals=ratio)
    grown = sp.limit(inside.subs(z, _x) / _x, _x, 0)
    yield Step("Scale over a small distance", None, c * sp.sqrt(2 / sp.pi), equals=grown)
    yield Step("Slope of the scale in the size of the sum", _A, c * sp.sqrt(2 * (1 - beta) / (sp.pi * C)))

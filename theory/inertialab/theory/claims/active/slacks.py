"""Slacks that hold at all rounds at once, how sharp they are, and what is left of them when they are shrunk."""

from types import ModuleType
from typing import Any

import mpmath
import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import err, exceeded, rate, shrink, tilt
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

y = sp.Symbol("y", real=True)
mean, chance = sp.symbols("mu q", positive=True)
PSI = -sp.log(1 - rate) - rate


class Tilt(sp.Function):
    """Positive root ρ of ρa = 1 - e^{-ρb}, for 0 < a < b: a level of a process that rises steadily and falls by jumps.

    A process that grows at rate a and falls by b in each of Poisson jumps of rate 1 ever reaches a level z with chance
    e^{-ρz}.
    """

    nargs = 2

    @staticmethod
    def exactly(a: Any, b: Any) -> Any:
        """To mpmath's working precision: Newton's method from above, where the function is convex."""
        root = 1 / a
        for _ in range(200):
            step = (root * a - 1 + mpmath.exp(-root * b)) / (a - b * mpmath.exp(-root * b))
            root -= step
            if abs(step) <= abs(root) * mpmath.eps:
                break
        return root

    @staticmethod
    def in_library(library: ModuleType, a: Any, b: Any) -> Any:
        """In double precision, in the shape of the arguments."""
        root = 1 / a + 0 * b
        for _ in range(60):
            fallen = library.exp(-root * b)
            root = root - (root * a - 1 + fallen) / (a - b * fallen)
        return root

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec):
            return sp.sympify(self.exactly(*(x._to_mpmath(prec) for x in self.args)))

    def _latex(self, printer: Any) -> str:
        a, b = map(printer.doprint, self.args)
        return rf"\rho\left({a},{b}\right)"


@claim(
    "iwal.time-uniform",
    exceeded,
    (err,),
    kind="exact",
    source=Source("fan2015exponential", "inequality for martingales with one-sided jumps"),
    regime=Regime(
        (err < 1,),
        "Largest over all laws of losses between -1 and 1; reached by rare losses; more comparisons share it.",
        beside=(shrink >= 1,),
    ),
    layers=("simulation",),
    limits=(({"delta": 1.0}, 1.0),),
    slips=(("sp.exp(-rate - PSI)", "sp.exp(-rate)"), ("rate * chance - chance", "rate * chance - 2 * chance")),
)
def iwal_time_uniform() -> Derivation:
    """A sum of X in [-1, 1] exceeds its mean by (ψ(r)ΣX² + ln(1/δ))/r in any round with a chance of δ at most.

    ψ(r) = -ln(1 - r) - r. The inequality e^{rx - ψx²} ≤ 1 + rx for x ≥ -1 makes e^{r(S - μt) - ψΣX²} a supermartingale
    that starts at 1, and Ville's inequality bounds its maximum over all rounds. Neither can be improved: where X is -1
    with a small chance q and else 0, the product grows steadily between jumps, passes 1/δ without leaping over it, and
    the chance is δ itself. For M hypotheses and several rates r, δ is shared among all pairs and rates.
    """
    ratio = (sp.log(1 + y) - y) / y**2
    bend = 2 * y - 2 * sp.log(1 + y) - y**2 / (1 + y)
    yield Step("Slope of (ln(1 + y) - y)/y², times y³, with y = rx", None, bend, equals=sp.diff(ratio, y) * y**3)
    yield Step(
        "whose own slope is not negative, so that it has the sign of y",
        None,
        y**2 / (1 + y) ** 2,
        equals=sp.diff(bend, y),
    )
    at_end = sp.log(1 - rate) - (-rate - PSI)
    yield Step(
        "So the ratio is least at x = -1, where the inequality is an equality", None, sp.Integer(0), equals=at_end
    )
    yield Step(
        "Factor of one round: 1 + rμ, with the mean taken off at most 1",
        sp.Symbol("e"),
        sp.Integer(1),
        equals=sp.limit(sp.exp(-rate * mean) * (1 + rate * mean), mean, 0),
    )
    fall = sp.exp(-rate - PSI)
    yield Step("Rare losses: factor of a jump", None, 1 - rate, equals=fall)
    drift = rate * chance - chance * (1 - fall)
    yield Step("Growth between jumps and jumps balance: nothing is given away", None, sp.Integer(0), equals=drift)
    reached = sp.Symbol("P", positive=True)
    (found,) = sp.solve(reached / err - 1, reached)
    return proven(err, equals=found + (rate * chance - chance * (1 - fall)))


@claim(
    "iwal.shrunk-slack",
    exceeded,
    (err, rate, shrink),
    kind="exact",
    uses=("iwal.time-uniform",),
    regime=Regime(
        (err < 1, rate < 1, 1000 * rate >= 1),
        "Rare losses; a factor of 1 is the slack itself. Below a thousandth the power is the squared factor, and "
        "double precision cannot tell the rise from the fall.",
    ),
    where={tilt: Tilt(rate / shrink, rate / shrink + PSI)},
    layers=("simulation",),
    limits=(({"shrink": 1.0}, "iwal.time-uniform"),),
    slips=(
        ("rate * steady - 1 + sp.exp(-rate - PSI)", "rate * steady - 1 + sp.exp(-rate)"),
        ("level), -tilt)", "level), tilt)"),
    ),
)
def iwal_shrunk_slack() -> Derivation:
    """A slack that is multiplied by c < 1 is exceeded with the chance δ^ρ, much more often than δ says.

    With rare losses of -1 the condition S - μt > c(ψN + ln(1/δ))/r, N losses so far, is that a process which grows at
    rate r/c a loss and falls by r/c + ψ with each ever reaches ln(1/δ). It does so without leaping, so the chance
    follows from the exponential of the process that has no drift: ρr/c = 1 - e^{-ρ(r/c + ψ)}.
    """
    steady = sp.Integer(1)
    whole = rate * steady - 1 + sp.exp(-rate - PSI)
    yield Step("With the whole slack the process has no drift: the power is 1", None, sp.Integer(1), equals=1 + whole)
    level = sp.log(1 / err)
    return proven(err**tilt, equals=sp.Pow(sp.exp(level), -tilt))

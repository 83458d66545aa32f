"""Stationary density of a diffusion whose noise depends on the place."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    SGD,
    linear_recursion,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    D,
    D_x,
    M,
    density_ratio,
    eta,
    gamma,
    h,
    place,
    potential,
    reference,
    var,
)
from inertialab.theory.passage import stationary_density
from inertialab.theory.statement import Derivation, Source, claim

x, v, y = sp.symbols("x v y", real=True)


@claim(
    "langevin.stationary-density",
    density_ratio,
    (potential, D_x, place, reference),
    kind="exact",
    source=Source("gardiner2009stochastic", "stationary solutions of the Fokker-Planck equation"),
    layers=("numerics", "simulation"),
    numerics=stationary_density,
    slips=(
        ("sp.diff(D_of(x) * p, x)", "D_of(x) * sp.diff(p, x)"),
        ("sp.exp(-rise) * D_of(reference) / D_of(place)", "sp.exp(-rise)"),
    ),
)
def langevin_stationary_density() -> Derivation:
    """Stationary densities: Gibbs for constant diffusion, D⁻¹exp(-∫L'/D) in Ito's sense for diffusion D(x).

    Minibatch noise is evaluated before the step, which is Ito's sense: the current is -L'p - (Dp)'. In a stationary
    state of one dimension it is the same everywhere, hence zero as at infinity. That is a linear equation of first
    order for the density: it is not that of the energy alone, but small where the noise is large. In the anti-Ito sense
    the current is -L'p - Dp' and the factor 1/D is missing. With friction γ and inertia M the velocity joins in.
    """
    L, D_of, density = (sp.Function(name) for name in ("L", "D", "p"))
    p = density(x)
    # The Fokker-Planck equation from the moments of a step: drift -L', variance 2D a unit of time, before the step.
    change = sp.diff(sp.diff(L(x), x) * p, x) + sp.diff(D_of(x) * p, x, 2)
    current = -sp.diff(L(x), x) * p - sp.diff(D_of(x) * p, x)
    yield Step(
        "Change of the density, from drift and spread before the step", None, -sp.diff(current, x), equals=change
    )
    (slope,) = sp.solve(current, sp.diff(p, x))
    yield Step(
        "No current: logarithmic slope of the density",
        None,
        -(sp.diff(L(x), x) + sp.diff(D_of(x), x)) / D_of(x),
        equals=slope / p,
    )
    rise = sp.Integral(sp.diff(L(y), y) / D_of(y), (y, reference, place))
    readable = sp.exp(-rise) * D_of(reference) / D_of(place)
    (anti,) = sp.solve(-sp.diff(L(x), x) * p - D_of(x) * sp.diff(p, x), sp.diff(p, x))
    lost = sp.diff(sp.log(D_of(x)), x)
    yield Step("Anti-Ito: logarithmic slope without that of 1/D", None, sp.expand(slope / p + lost), equals=anti / p)
    energy = sp.Function("L")(x, v)
    gibbs = sp.exp(-energy / D)
    residual = sum(sp.diff(sp.diff(energy, q) * gibbs + D * sp.diff(gibbs, q), q) for q in (x, v)) / gibbs
    yield Step("Constant diffusion, two dimensions: residual over Gibbs' density", None, sp.Integer(0), equals=residual)
    loss = sp.Function("L")(x)
    kinetic = sp.exp(-gamma * M * (M * v**2 / 2 + loss) / D)
    kramers = (
        -v * sp.diff(kinetic, x)
        + sp.diff((gamma * v + sp.diff(loss, x) / M) * kinetic, v)
        + D / M**2 * sp.diff(kinetic, v, 2)
    ) / kinetic
    yield Step("With inertia: residual over exp(-γM(Mv²/2 + L)/D)", None, sp.Integer(0), equals=sp.expand(kramers))
    A, noise = linear_recursion(SGD, QUADRATIC)
    wide = sp.limit(sp.solve(A[0] ** 2 * var + C * noise[0] ** 2 - var, var)[0] / eta, eta, 0) * eta
    yield Step("Its variance on a quadratic, D = ηC/2, is SGD's for small η", None, eta * C / (2 * h), equals=wide)
    yield Step("At the reference it is one", None, sp.Integer(1), equals=readable.subs(place, reference).doit())
    found = sp.diff(readable, place).doit() / readable
    yield Step("and its logarithmic slope is that without current", None, (slope / p).subs(x, place), equals=found)
    # SymPy solves the equation itself; its constant is fixed at the reference.
    solved = sp.dsolve(sp.Eq(sp.diff(p, x), slope), p).rhs.subs(sp.Symbol("C1"), 1)
    definite = {i: sp.Integral(i.function.subs(x, y), (y, reference, x)) for i in solved.atoms(sp.Integral)}
    shape = solved.xreplace(definite)
    return proven(readable, equals=shape.subs(x, place) / shape.subs(x, reference).doit())

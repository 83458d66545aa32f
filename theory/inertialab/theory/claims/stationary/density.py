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
    M,
    eta,
    flatness,
    gamma,
    h,
    var,
)
from inertialab.theory.statement import Derivation, Source, claim

x, v = sp.symbols("x v", real=True)


@claim(
    "langevin.stationary-density",
    flatness,
    (),
    kind="exact",
    source=Source("gardiner2009stochastic", "stationary solutions of the Fokker-Planck equation"),
    layers=("numerics", "simulation"),
    slips=(("sp.diff(D_of * ito, x)", "D_of * sp.diff(ito, x)"),),
)
def langevin_stationary_density() -> Derivation:
    """Stationary densities: Gibbs for constant diffusion, D⁻¹exp(-∫L'/D) in Ito's sense for diffusion D(x).

    Minibatch noise is evaluated before the step, which is Ito's sense: the current is -L'p - (Dp)'. Without current
    the density is not that of the energy alone, it is small where the noise is large. In the anti-Ito sense the
    current is -L'p - Dp' and the factor 1/D is missing. With friction γ and inertia M the velocity joins in.
    """
    L, D_of, Phi_of = (sp.Function(name)(x) for name in ("L", "D", "Phi"))
    slope = {sp.Derivative(Phi_of, x): sp.diff(L, x) / D_of}
    ito = sp.exp(-Phi_of) / D_of
    current = -sp.diff(L, x) * ito - sp.diff(D_of * ito, x)
    yield Step("Current of D⁻¹exp(-Φ) with Φ' = L'/D, Ito", None, sp.Integer(0), equals=current.subs(slope).doit())
    anti = -sp.diff(L, x) * sp.exp(-Phi_of) - D_of * sp.diff(sp.exp(-Phi_of), x)
    yield Step("Current of exp(-Φ), anti-Ito", None, sp.Integer(0), equals=anti.subs(slope).doit())
    energy = sp.Function("L")(x, v)
    gibbs = sp.exp(-energy / D)
    residual = sum(sp.diff(sp.diff(energy, q) * gibbs + D * sp.diff(gibbs, q), q) for q in (x, v)) / gibbs
    yield Step("Constant diffusion, two dimensions: residual over Gibbs' density", None, sp.Integer(0), equals=residual)
    kinetic = sp.exp(-gamma * M * (M * v**2 / 2 + L) / D)
    kramers = (
        -v * sp.diff(kinetic, x)
        + sp.diff((gamma * v + sp.diff(L, x) / M) * kinetic, v)
        + D / M**2 * sp.diff(kinetic, v, 2)
    ) / kinetic
    yield Step("With inertia: residual over exp(-γM(Mv²/2 + L)/D)", None, sp.Integer(0), equals=sp.expand(kramers))
    A, noise = linear_recursion(SGD, QUADRATIC)
    wide = sp.limit(sp.solve(A[0] ** 2 * var + C * noise[0] ** 2 - var, var)[0] / eta, eta, 0) * eta
    yield Step("Its variance on a quadratic, D = ηC/2, is SGD's for small η", None, eta * C / (2 * h), equals=wide)
    flat = sp.diff(ito * D_of * sp.exp(Phi_of), x)
    return proven(sp.Integer(1), equals=1 + flat)

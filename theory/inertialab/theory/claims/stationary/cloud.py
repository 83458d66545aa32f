"""Stationary covariance of SGD where curvature and noise change over the width of the state."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_covariance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import (
    L3,
    L4,
    C,
    C_ij,
    C_mean,
    H_mean,
    V,
    c2,
    cov_ij,
    eta,
    g,
    h,
    h_i,
    h_j,
    n_batches,
    theta,
)
from inertialab.theory.numerics import averaged_in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


def _gaussian(polynomial: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """Mean over θ of mean zero, Gaussian."""
    terms = sp.Poly(sp.expand(polynomial), theta).terms()
    return sp.expand(sum(c * sp.factorial2(p - 1) * variance ** (p // 2) for (p,), c in terms if p % 2 == 0))


@claim(
    "sgd.stationary-covariance-cloud",
    cov_ij,
    (eta, H_mean, C_mean),
    kind="asymptotic",
    layers=("real",),
    regime=Regime(sgd_stationary_covariance.regime.conditions, "Batches are drawn independently.", (n_batches <= 1,)),
    uses=("sgd.stationary-covariance",),
    change=averaged_in_eigenbasis,
    slips=(("c2 * theta**2", "2 * c2 * theta**2"), ("L4 * theta**3 / 6", "L4 * theta**3 / 3")),
)
def sgd_stationary_covariance_cloud() -> Derivation:
    """Stationary covariance of SGD with Hessian and noise averaged over the places that it visits.

    Where the state is wide the noise at the minimum is not that of the state. For Gaussian θ the product of θ and the
    gradient has the mean ⟨L''⟩V, whatever the third and fourth derivatives, and the noise enters by its mean ⟨C⟩. What
    is left out are squares of the change of the curvature over the state, η²L'''²V²/2, and the state's own departure
    from a Gaussian. So the law is that of constant Hessian and noise, with averages in their place.
    """
    spread = V(0)
    slope = h * theta + L3 * (theta**2 - spread) / 2 + L4 * theta**3 / 6  # from the mean, where its mean vanishes
    linear = sp.Symbol("c_1", real=True)
    noise = C + linear * theta + c2 * theta**2
    curvature = _gaussian(sp.diff(slope, theta), spread)
    yield Step("Mean curvature over the state", sp.Symbol("<L''>"), h + L4 * spread / 2, equals=curvature)
    yield Step("Mean gradient", None, sp.Integer(0), equals=_gaussian(slope, spread))
    work = _gaussian(theta * slope, spread)
    yield Step("Mean product of θ and the gradient", sp.Symbol("<theta*L'>"), curvature * spread, equals=work)
    left = L3**2 * spread**2 / 2 + L4**2 * spread**3 / 6
    square = _gaussian(slope**2, spread)
    yield Step("Mean squared gradient", None, curvature**2 * spread + left, equals=square)
    yield Step("Mean noise", sp.Symbol("<C>"), C + c2 * spread, equals=_gaussian(noise, spread))
    (new,) = SGD.step(g).values()
    squared = sp.Poly(sp.expand(new**2), g)
    gradient = {0: sp.Integer(1), 1: slope, 2: slope**2 + noise}
    after = _gaussian(sum(c * gradient[p] for (p,), c in squared.terms()), spread)
    kept = (1 - eta * curvature) ** 2 * spread + eta**2 * _gaussian(noise, spread)
    yield Step("Second moment after a step", V(1), kept + eta**2 * left, equals=after)
    mean_noise, mean_curvature = sp.symbols("C_bar h_bar", positive=True)
    (fixed,) = sp.solve((1 - eta * mean_curvature) ** 2 * V(0) + eta**2 * mean_noise - V(0), V(0))
    readable = sgd_stationary_covariance.rhs
    alone = readable.subs({h_i: mean_curvature, h_j: mean_curvature, C_ij: mean_noise})
    yield Step("Without what is left out it maps to itself as with constants", None, fixed, equals=alone)
    return proven(eta * C_ij / (h_i + h_j - eta * h_i * h_j), equals=readable)

"""Currents of probability in the stationary state of SGD: detailed balance is broken where H and C do not commute."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_covariance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import C_ij, C_matrix, H, current_ij, eta, h_i, h_j, theta, xi
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "sgd.probability-current",
    current_ij,
    (eta, H, C_matrix),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=sgd_stationary_covariance.regime,
    source=Source("chaudhari2018stochastic", "SGD performs variational inference, converges to limit cycles"),
    uses=("sgd.stationary-covariance",),
    change=in_eigenbasis,
    slips=(("at_i * entry - at_j * entry", "at_i * entry + at_j * entry"),),
)
def sgd_probability_current() -> Derivation:
    """Mean rotation of SGD in its stationary state, exact in the learning rate: zero where H and C commute.

    With A = 1 - ηH the mean product of one coordinate and another a step later is AΣ. Its antisymmetric part is how far
    the state turns from one direction to the other in a step, ⟨x_t y_{t+1} - y_t x_{t+1}⟩. A state in detailed balance
    would not turn. In the eigenbasis of H entry (i, j) involves h_i, h_j and C_ij; it vanishes for equal curvatures and
    for uncorrelated noise.
    """
    (new_i,) = SGD.step(h_i * theta + xi).values()
    at_i = sp.diff(new_i, theta)
    at_j = at_i.subs(h_i, h_j)
    entry = sgd_stationary_covariance.rhs
    rotation = at_i * entry - at_j * entry
    yield Step("Equal curvatures: no current", None, sp.Integer(0), equals=rotation.subs(h_j, h_i))
    yield Step("Uncorrelated noise: no current", None, sp.Integer(0), equals=rotation.subs(C_ij, 0))
    swapped = rotation.subs({h_i: h_j, h_j: h_i}, simultaneous=True)
    yield Step("It is antisymmetric", None, -swapped, equals=rotation)
    leading = sp.limit(rotation / eta**2, eta, 0)
    yield Step("Small steps, over η²", None, C_ij * (h_j - h_i) / (h_i + h_j), equals=leading)
    readable = eta**2 * C_ij * (h_j - h_i) / (h_i + h_j - eta * h_i * h_j)
    return proven(readable, equals=rotation)

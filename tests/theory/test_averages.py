"""Owen's function, the variance of the adaptive factor, and what a gate does to the temperature, beside other ways."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch

from inertialab.theory import claim
from inertialab.theory.claims.optimizers.cprop_heat import _by_values, _of_factor
from inertialab.theory.gaussian_average import FactorVariance, factor_variance
from inertialab.theory.owen import OwenT

Y = np.linspace(-12, 12, 60_001)
DENSITY = np.exp(-(Y**2) / 2) / math.sqrt(2 * math.pi) * (Y[1] - Y[0])
HERMITE = 400


@pytest.mark.parametrize("h", [0.0, 0.3, 2.0, 6.0])
@pytest.mark.parametrize("a", [0.2, 1.0, 1.4])
def test_owens_function_is_the_wedge_of_a_normal_law(h, a):
    wedge = mpmath.quad(lambda x: mpmath.npdf(x) * (mpmath.ncdf(a * x) - 0.5), [h, h + 12])
    assert OwenT.in_library(np, np.asarray(h), np.asarray(a)) == pytest.approx(float(wedge), rel=1e-10)
    assert float(sp.N(OwenT(sp.Float(h, 30), sp.Float(a, 30)), 20)) == pytest.approx(float(wedge), rel=1e-10)


@pytest.mark.parametrize("rho", [2.3, 5, 15.9, 16.1, 40, 1000])
def test_the_variance_of_the_factor_is_the_same_in_every_library(rho):
    exactly = float(sp.N(factor_variance(sp.Rational(str(rho))), 25))
    tensor = torch.tensor(float(rho), dtype=torch.float64)
    assert FactorVariance.in_library(torch, tensor).item() == pytest.approx(exactly, rel=1e-12)
    assert FactorVariance.in_library(np, np.array(float(rho))) == pytest.approx(exactly, rel=1e-13)


def hermite(scale):
    """⟨F²⟩ and ⟨F⟩ by the Hermite polynomials of U = yS + S', whose coefficients are by parts those of S."""
    before, polynomial, total, first = np.zeros_like(Y), np.ones_like(Y), 0.0, 0.0
    for order in range(1, HERMITE):
        # normalised: √(k+1) h_{k+1} = y h_k - √k h_{k-1}
        before, polynomial = polynomial, (Y * polynomial - math.sqrt(order - 1) * before) / math.sqrt(order)
        if order % 2:
            coefficient = ((2 * Y * polynomial - math.sqrt(order) * before) * scale * DENSITY).sum()
            total += coefficient**2 / order
            first = first or coefficient
    return total / first


def test_the_heat_is_the_sum_over_hermite_polynomials():
    erf = np.vectorize(math.erf)
    for c, tolerance in ((1.0, 2e-4), (2.0, 2e-3)):  # kinks of the scale make the sum slow
        assert hermite(np.minimum(1, c * erf(np.abs(Y) / 2))) == pytest.approx(_of_factor(c), rel=tolerance)


def test_a_gate_given_as_a_function_is_the_same_law():
    erf = np.vectorize(math.erf)
    for c in (0.7, 1.0, 2.5, 6.0):
        assert _by_values(lambda y, c=c: np.minimum(1, c * erf(y / 2))) == pytest.approx(_of_factor(c), rel=1e-5)
    assert claim("cprop.temperature").predict(c=lambda y: np.ones_like(y)) == pytest.approx(1, rel=1e-5)


def test_a_small_factor_is_a_smaller_learning_rate():
    values = claim("cprop.temperature").predict(c=np.array([0.1, 0.2, 1.0]))
    assert values == pytest.approx(values[2] * np.array([0.1, 0.2, 1.0]), rel=1e-9)

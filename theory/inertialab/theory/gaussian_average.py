"""The inverse root of an average of squared Gaussian numbers: its variance, evaluated in each library."""

import math
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

FEW = 16
"""Degrees of freedom below which logarithms of Γ lose nothing."""
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Coefficients of the odd inverse powers in the logarithm of Γ."""


def factor_mean(rho: sp.Expr) -> sp.Expr:
    """Mean of √(ρ/χ²_ρ)."""
    return sp.sqrt(rho / 2) * sp.gamma((rho - 1) / 2) / sp.gamma(rho / 2)


def factor_variance(rho: sp.Expr) -> sp.Expr:
    """Variance of √(ρ/χ²_ρ), as printed; it cancels for many degrees of freedom."""
    return rho / (rho - 2) - rho / 2 * (sp.gamma((rho - 1) / 2) / sp.gamma(rho / 2)) ** 2


class FactorVariance(sp.Function):
    """`factor_variance` of the degrees of freedom, without its cancellation."""

    nargs = 1

    @staticmethod
    def exactly(rho: Any) -> Any:
        """To mpmath's working precision; digits that cancel are added to it."""
        with mpmath.workprec(mpmath.mp.prec + 2 * max(0, int(mpmath.mag(rho))) + 20):
            square = rho / 2 * mpmath.exp(2 * (mpmath.loggamma((rho - 1) / 2) - mpmath.loggamma(rho / 2)))
            value = rho / (rho - 2) - square
        return +value

    @staticmethod
    def in_library(library: ModuleType, rho: Any) -> Any:
        """In float64, in the shape of `rho`; gradients flow through torch's."""
        if library is np:
            values = _VECTOR(np.asarray(rho, complex))
            return values if np.iscomplexobj(rho) else values.real
        few, many = library.clamp(rho, max=2.0 * FEW), library.clamp(rho, min=FEW)
        logarithm = few.log() - math.log(2) + 2 * (library.lgamma((few - 1) / 2) - library.lgamma(few / 2))
        small = few / (few - 2) - logarithm.exp()
        return library.where(rho < FEW, small, _of_many(library, many))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec):
            return sp.sympify(self.exactly(self.args[0]._to_mpmath(prec)))

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{Var}}\psi\left({printer.doprint(self.args[0])}\right)"


def _of_many(library: ModuleType, rho: Any) -> Any:
    """By Stirling's series, its leading terms cancelled on paper."""
    z = rho / 2
    rest = sum(c * ((z - 0.5) ** -(2 * i + 1) - z ** -(2 * i + 1)) for i, c in enumerate(STIRLING))
    below = 1 + 2 * (z - 1) * library.log1p(-1 / (2 * z)) + library.log1p(-1 / z) + 2 * rest
    return -library.expm1(below) * rho / (rho - 2)


def _one(rho: complex) -> complex:
    try:
        return complex(FactorVariance.exactly(mpmath.mpmathify(rho.real if rho.imag == 0 else rho)))
    except (ValueError, ZeroDivisionError):  # a pole, which only wrong formulas meet
        return complex("nan")


_VECTOR = np.vectorize(_one, otypes=[complex])

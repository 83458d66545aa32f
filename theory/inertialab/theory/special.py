"""Functions that SymPy and the libraries of arrays do not have, evaluated in each of them."""

from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

_U = np.arange(-40, 40, 0.125)


class Upsilon(sp.Function):
    """Depopulation factor, by which weak friction lowers a rate of escape (melnikov1986theory; wording not checked).

    ln Υ(Δ) = (1/2π)∫ln[1 - e^{-Δ(μ² + 1/4)}]/(μ² + 1/4)dμ over the line; Δ > 0 is the energy lost in an orbit at the
    height of the barrier over the temperature, dimensionless. Υ ~ Δ for small Δ, 1 - erfc(√Δ/2) for large.
    """

    nargs = 1

    @staticmethod
    def exactly(loss: Any) -> Any:
        """To mpmath's working precision; μ = tan(φ)/2 makes the way finite."""
        depth = mpmath.quad(
            lambda phi: mpmath.log(1 - mpmath.exp(-loss / (2 * mpmath.cos(phi)) ** 2)), [0, mpmath.pi / 2]
        )
        return mpmath.exp(2 / mpmath.pi * depth)

    @staticmethod
    def in_library(library: ModuleType, loss: Any) -> Any:
        """In float64, in the shape of `loss`; at μ = sinh(u)/2 the trapezoidal rule converges exponentially."""
        u = library.asarray(_U).reshape(-1, *[1] * loss.ndim)
        with np.errstate(over="ignore"):  # beyond the largest float nothing is lacking
            absent = library.log(-library.expm1(-loss * library.cosh(u) ** 2 / 4)) / library.cosh(u)
        return library.exp(absent.sum(0) * (_U[1] - _U[0]) / np.pi)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec):
            return sp.sympify(self.exactly(self.args[0]._to_mpmath(prec)))

    def _latex(self, printer: Any) -> str:
        return rf"\Upsilon\left({printer.doprint(self.args[0])}\right)"

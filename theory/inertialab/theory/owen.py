"""Owen's function T, the probability of a wedge beside the centre of a bivariate normal law (owen1956tables)."""

from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


class OwenT(sp.Function):
    """T(h, a) = (1/2π)∫₀ᵃ e^{-h²(1 + x²)/2}/(1 + x²)dx, dimensionless; its derivative in h is known in closed form."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative in h, or in a."""
        h, a = self.args
        if argindex == 1:
            return -sp.exp(-(h**2) / 2) * sp.erf(a * h / sp.sqrt(2)) / (2 * sp.sqrt(2 * sp.pi))
        return sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))

    @staticmethod
    def exactly(h: Any, a: Any) -> Any:
        """To mpmath's working precision."""
        return mpmath.quad(lambda x: mpmath.exp(-(h**2) * (1 + x**2) / 2) / (1 + x**2), [0, a]) / (2 * mpmath.pi)

    @staticmethod
    def in_library(library: ModuleType, h: Any, a: Any) -> Any:
        """In float64, in the broadcast shape of both; gradients flow through torch's."""
        parts = (
            weight * library.exp(-(h**2) * (1 + (a * x) ** 2) / 2) / (1 + (a * x) ** 2)
            for x, weight in zip(((1 + _PLACES) / 2).tolist(), _WEIGHTS.tolist(), strict=True)
        )
        return a * sum(parts) / (4 * np.pi)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec):
            return sp.sympify(self.exactly(*(x._to_mpmath(prec) for x in self.args)))

    def _latex(self, printer: Any) -> str:
        return rf"T\left({printer.doprint(self.args[0])}, {printer.doprint(self.args[1])}\right)"

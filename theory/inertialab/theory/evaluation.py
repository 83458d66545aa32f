"""Functions of arrays and of tensors from SymPy expressions."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

FUNCTIONS = {
    "exp": "exp",
    "log": "log",
    "sin": "sin",
    "cos": "cos",
    "erf": "erf",
    "Abs": "abs",
    "atan": "atan",
    "asin": "asin",
}
"""SymPy's names of functions, and those of numpy and torch."""


@lru_cache(maxsize=1024)
def lambdified(expression: sp.Expr) -> tuple[list[sp.Symbol], Callable[..., Any]]:
    """The symbols of an expression, by name, and a function of arrays in that order."""
    symbols = sorted(expression.free_symbols, key=str)
    if not expression.has(sp.Sum, sp.gamma, sp.zeta):
        return symbols, sp.lambdify(symbols, expression, [_own(expression, np), "numpy"], cse=True)
    exactly = sp.lambdify(symbols, expression, "mpmath")

    def one(*values: complex) -> complex:
        numbers = (int(x.real) if s.is_integer else x for s, x in zip(symbols, values, strict=True))
        try:
            return complex(exactly(*numbers))
        except (ZeroDivisionError, ValueError):  # a pole; of Γ it is a ValueError
            return complex("nan")

    return symbols, np.vectorize(one, otypes=[complex])


def evaluated(expression: sp.Expr, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Value of an expression, in the broadcast shape of all arrays.

    Args:
        expression: In symbols that are keys of `arrays`.
        arrays: By name; also those of symbols that the expression does not contain.
    """
    symbols, function = lambdified(expression)
    with np.errstate(over="ignore"):  # an escape time beyond the largest float is infinite
        value = function(*(arrays[str(s)] for s in symbols))
    if np.iscomplexobj(value) and not any(np.iscomplexobj(a) for a in arrays.values()):
        value = np.real(value)
    # Symbols of a regime may be there that the formula does not contain; they broadcast all the same.
    return np.broadcast_to(np.asarray(value), np.broadcast_shapes(*(a.shape for a in arrays.values())))


@lru_cache(maxsize=256)
def tensor_function(expression: sp.Expr, torch: ModuleType) -> Callable[..., Any]:
    """A function of float64 tensors, by name of symbol, through which gradients flow.

    Args:
        expression: A closed form; roots of negative numbers are taken in the complex plane, the result is real.
        torch: The module torch itself, which this package does not import.

    Raises:
        ValueError: If the expression is a sum of as many terms as one of its symbols says.
    """
    if expression.has(sp.Sum):
        raise ValueError(f"There is no closed form to differentiate in {expression}.")
    symbols = sorted(expression.free_symbols, key=str)
    function = _printed(expression, symbols, torch)
    roots = [p.base for p in expression.atoms(sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer]
    oscillates = any(root.is_nonnegative is None for root in roots)

    def on_tensors(**tensors: Any) -> Any:
        values = (tensors[str(s)] for s in symbols)
        return torch.real(function(*(x.to(torch.complex128) for x in values))) if oscillates else function(*values)

    return on_tensors


def _printed(expression: sp.Expr, symbols: list[sp.Symbol], torch: ModuleType) -> Callable[..., Any]:
    """Numbers become floats first: torch takes no root or logarithm of a bare number."""
    namespace = {name: getattr(torch, its) for name, its in FUNCTIONS.items()} | _own(expression, torch)
    namespace["gamma"] = lambda x: torch.exp(torch.lgamma(torch.real(x)))  # no formula takes it off the real line
    floats = expression.replace(lambda e: e.is_number and not e.is_Integer, lambda e: e.evalf(17))
    return sp.lambdify(symbols, floats, [namespace], cse=True)


def _own(expression: sp.Expr, library: ModuleType) -> dict[str, Callable[..., Any]]:
    """Functions that no library has and that say themselves, by `in_library`, how to evaluate them there."""
    functions = {f.func for f in expression.atoms(sp.Function) if hasattr(f.func, "in_library")}
    return {f.__name__: partial(f.in_library, library) for f in functions}

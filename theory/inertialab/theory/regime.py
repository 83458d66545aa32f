"""Where a claim holds, and the sentences that say why a value is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from inertialab.theory.notation import quantity


class OutsideRegimeError(ValueError):
    """Values for which the claim makes no statement."""


@dataclass(frozen=True)
class Regime:
    """Symbolic inequalities under which a claim holds; all of them must.

    Attributes:
        conditions: SymPy relations.
        note: What a reader should do or know when a condition is broken.
        beside: Relations in what the formula does not take and a measurement knows, such as an angle or a third
            derivative; `predict` cannot ask for them.
    """

    conditions: tuple[Relational, ...] = ()
    note: str = ""
    beside: tuple[Relational, ...] = ()

    def require(self, claim_id: str, values: Mapping[str, np.ndarray]) -> None:
        """Refuse values outside the regime.

        Args:
            claim_id: Named in the sentence.
            values: One array per symbol name; arrays broadcast.

        Raises:
            OutsideRegimeError: Naming the broken condition, the values and what they give.
        """
        for relation in self.conditions:
            symbols = sorted(relation.free_symbols, key=str)
            if any(callable(values[str(s)]) for s in symbols):
                continue  # a condition on a number says nothing about a function given in its place
            arrays = np.broadcast_arrays(*(values[str(s)] for s in symbols))
            bad = ~np.asarray(sp.lambdify(symbols, relation, "numpy")(*arrays), dtype=bool)
            if bad.any():
                first = np.unravel_index(np.argmax(bad), bad.shape)
                given = {s: float(a[first]) for s, a in zip(symbols, arrays, strict=True)}
                raise OutsideRegimeError(self._sentence(claim_id, relation, given))

    def allows(self, known: Mapping[str, Any]) -> bool:
        """Whether a measurement breaks none of the conditions beside the arguments.

        Args:
            known: Conditions of the measurement by name of the symbol; a relation in what it does not say is not asked.
        """
        said = {name: x for name, x in known.items() if isinstance(x, Real)}
        asked = (r for r in self.beside if said.keys() >= {str(s) for s in r.free_symbols})
        return all(bool(r.subs({s: said[str(s)] for s in r.free_symbols})) for r in asked)

    def _sentence(self, claim_id: str, relation: Relational, given: Mapping[sp.Basic, float]) -> str:
        values = ", ".join(f"{s} = {x:g}" for s, x in given.items())
        sides = [f"{side} = {float(side.subs(given)):g}" for side in relation.args if not side.is_Atom]
        gives = f" gives {', '.join(sides)}" if sides else " was given"
        return f"{claim_id} holds for {relation}, but {values}{gives}. {self.note}".rstrip()


def valid(claim_id: str, symbol: sp.Symbol, value: object) -> np.ndarray:
    """The value as a float array, if the symbol's assumptions allow it; a function as it is.

    Args:
        claim_id: Named in the sentence.
        symbol: Symbol of `notation`, whose assumptions (positive, integer ...) are the allowed values.
        value: Number or array.

    Returns:
        Array of float64, or the function.

    Raises:
        ValueError: If it is not a number, not finite, or violates an assumption.
    """
    meaning = quantity(symbol).meaning
    if quantity(symbol).function and callable(value):
        return value  # pyright: ignore[reportReturnType]
    rules = {
        "a finite real number": np.isfinite,
        **({"> 0": lambda x: x > 0} if symbol.is_positive else {}),
        **({">= 0": lambda x: x >= 0} if symbol.is_nonnegative and not symbol.is_positive else {}),
        **({"a whole number": lambda x: x == np.floor(x)} if symbol.is_integer else {}),
    }
    try:
        array = _numbers(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"{claim_id}: {symbol} ({meaning}) must be a real number or an array, got {value!r}."
        ) from None
    for rule, holds in rules.items():
        ok = np.atleast_1d(holds(array))
        if not ok.all():
            worst = np.atleast_1d(array)[~ok][0]
            raise ValueError(f"{claim_id}: {symbol} ({meaning}) must be {rule}, got {worst:g}.")
    return array


def _numbers(value: object) -> np.ndarray:
    """A number or numbers as float64; what NumPy would make a number of without being asked is none.

    Raises:
        TypeError: For None, truth values and text.
        ValueError: For rows of different lengths.
    """
    given = np.asarray(value)
    if given.dtype.kind not in "iufO" or not all(isinstance(x, Real | sp.Expr) for x in given.ravel().tolist()):
        raise TypeError
    return given.astype(float)

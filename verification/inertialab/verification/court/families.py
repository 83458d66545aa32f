"""Graded errors of a formula: what a slip would give, by how large it is, down to none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import sympy as sp

from inertialab.theory import Claim
from inertialab.verification.court.material import Arrays, Changes, Material


@dataclass(frozen=True)
class Term:
    """One term of one sum of a formula.

    Attributes:
        term: It.
        total: The sum.
        place: The abbreviation in which the sum stands; None for the formula itself.
    """

    term: sp.Basic
    total: sp.Basic
    place: sp.Basic | None

    def __str__(self) -> str:
        """Its name on the board."""
        return f"term {self.term} of {self.total}" + (f" in {self.place}" if self.place is not None else "")


@dataclass(frozen=True)
class Family:
    """One kind of error, graded by a dimensionless size e that is 0 for the claim itself.

    Attributes:
        name: What is wrong, as it reads after "in the".
        low: The largest error of negative size, below 0.
        high: The largest error of positive size.
        predictions: Maps sizes, shape (sets,), to predictions, shape (sets, measurements).
    """

    name: str
    low: float
    high: float
    predictions: Callable[[np.ndarray], np.ndarray]


def families(material: Material) -> Iterator[Family]:
    """All graded errors of a claim at the measurements of a layer.

    Prefactor: times 1 + e, from a half to the double. Exponent: the prediction to the power 1 + e, in units of its
    geometric mean over the points, so that what is wrong is how it varies. Power of an argument: the argument to the
    power 1 + e, in units of its own mean. Term of a sum: times 1 + e, from dropped to doubled. Convention of η: times
    (1-β)^e. Off-by-one of a number of steps T: T + e; of a number n of samples or batches: times (1 - 1/n)^e.

    Args:
        material: Measurements, at least one.
    """
    predicted, subject = material.predicted, material.subject
    yield Family("prefactor", -0.5, 1.0, partial(_multiples, predicted, material.scale))
    if subject.functional or subject.formula.free_symbols:
        yield Family("exponent", -1.0, 1.0, partial(_powers, predicted))
    if subject.functional or subject.formula.has(sp.Sum):
        yield from _again(material)
        return
    yield from _idle(material)
    for name, changes in (*_arguments(material), *_conventions(material), *_counts(material)):
        yield Family(name, -1.0, 1.0, partial(material.predictions, subject.formula, changes))
    expression, names = graded(subject)
    unchanged = dict.fromkeys(names, _nothing)
    for knob, term in names.items():
        yield Family(str(term), -1.0, 1.0, partial(material.predictions, expression, {**unchanged, knob: _size}))


def _multiples(predicted: np.ndarray, scale: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Shares of the prediction; where nothing is predicted, of the unit that the study gives."""
    return predicted + e[:, None] * np.where(predicted == 0, scale, predicted)


def _powers(predicted: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _power(predicted, _mean(predicted), e[:, None])


def _power(values: np.ndarray, reference: float, e: np.ndarray) -> np.ndarray:
    """|values|^(1+e) with their sign, in units of a reference; zeros stay."""
    size = np.where(values == 0, 1.0, np.abs(values) / reference)
    return values * size**e


def _mean(values: np.ndarray) -> float:
    """Geometric mean of the sizes of those that are not 0; 1 if all are."""
    sizes = np.abs(values[values != 0])
    return float(np.exp(np.log(sizes).mean())) if len(sizes) else 1.0


def whole(symbol: str) -> str:
    """The name that entries of a matrix have together, as h for h_i; any other name as it is."""
    return re.sub("_(i|j|ij)$", "", symbol)


def _arguments(material: Material) -> Iterator[tuple[str, Changes]]:
    """Arguments that the formula contains; entries of a matrix, such as h_i and h_j, together."""
    together: dict[str, list[str]] = {}
    for symbol in map(str, sorted(material.subject.formula.free_symbols, key=str)):
        together.setdefault(whole(symbol), []).append(symbol)
    for name, symbols in together.items():
        reference = _mean(material.values(symbols[0]))
        yield f"power of {name}", {s: partial(_to_the_power, s, reference) for s in symbols}


def _again(material: Material) -> Iterator[Family]:
    """Powers of numbers given to a claim that is no closed expression, by evaluating it anew."""
    for symbol in material.subject.arguments:
        values = material.given(str(symbol))
        if values is not None and not symbol.is_integer and (values >= 0).all() and values.any():
            yield Family(f"power of {symbol}", -1.0, 1.0, partial(_anew, material, str(symbol), values))


def _anew(material: Material, name: str, values: np.ndarray, e: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.array([material.again(name, row) for row in _power(values, _mean(values), e[:, None])])


def _idle(material: Material) -> Iterator[Family]:
    """Arguments that change from point to point and that the formula says nothing depends on."""
    for name in sorted(set(material.symbols) - _symbols(material)):
        values = material.values(name)
        if (values > 0).all() and np.ptp(values) > 0:
            factor = values / _mean(values)
            yield Family(f"power of {name}", -1.0, 1.0, partial(_times_power, material.predicted, factor))


def _times_power(predicted: np.ndarray, factor: np.ndarray, e: np.ndarray) -> np.ndarray:
    return predicted * factor ** e[:, None]


def _to_the_power(name: str, reference: float, arrays: Arrays, e: np.ndarray) -> np.ndarray:
    return _power(arrays[name], reference, e)


def _conventions(material: Material) -> Iterator[tuple[str, Changes]]:
    """Learning rates with and without the factor by which momentum makes steps longer."""
    symbols = _symbols(material)
    for name, factor in (("beta", lambda x: 1 - x), ("kappa", lambda x: x)):
        if {"eta", name} <= symbols:
            yield "convention of eta", {"eta": partial(_rescaled, "eta", name, factor)}


def _rescaled(name: str, other: str, factor: Callable, arrays: Arrays, e: np.ndarray) -> np.ndarray:
    return arrays[name] * factor(arrays[other]) ** e


def _counts(material: Material) -> Iterator[tuple[str, Changes]]:
    symbols = _symbols(material)
    if "T" in symbols:
        yield "off-by-one of T", {"T": lambda arrays, e: arrays["T"] + e}
    for name in ("n_samples", "n_batches", "B"):
        if name in symbols and (material.values(name) > 1).all():
            yield f"off-by-one of {name}", {name: partial(_rescaled, name, name, lambda n: 1 - 1 / n)}


def _symbols(material: Material) -> set[str]:
    return {str(s) for s in material.subject.formula.free_symbols}


def _size(arrays: Arrays, e: np.ndarray) -> np.ndarray:
    return e


def _nothing(arrays: Arrays, e: np.ndarray) -> np.ndarray:
    return np.zeros_like(e)


@lru_cache(maxsize=256)
def graded(subject: Claim) -> tuple[sp.Expr, dict[str, Term]]:
    """The formula with a size for the error of each term of each sum.

    Args:
        subject: The claim; its abbreviations are graded too.

    Returns:
        The formula in which every term is multiplied by 1 + its size, and what the sizes belong to.
    """
    names: dict[str, Term] = {}
    rhs = _graded(subject.rhs, None, names)
    return rhs.subs({s: _graded(e, s, names) for s, e in subject.where.items()}), names


def _graded(expression: sp.Expr, place: sp.Basic | None, names: dict[str, Term]) -> sp.Expr:
    done: dict[sp.Basic, sp.Basic] = {}

    def changed(node: sp.Basic) -> sp.Basic:
        if not node.args:
            return node
        if node not in done:
            parts = [changed(part) for part in node.args]
            if isinstance(node, sp.Add):
                parts = [(1 + knob(node, term)) * part for term, part in zip(node.args, parts, strict=True)]
            done[node] = node.func(*parts)
        return done[node]

    def knob(total: sp.Basic, term: sp.Basic) -> sp.Symbol:
        name = f"size_{len(names)}"
        names[name] = Term(term, total, place)
        return sp.Symbol(name, real=True)

    return changed(expression)

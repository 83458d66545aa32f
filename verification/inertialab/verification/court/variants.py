"""Wrong variants of a formula, made automatically: what a slip of the pen or of a convention would give."""

from collections.abc import Callable, Iterator

import numpy as np
import sympy as sp

from inertialab.theory import Claim
from inertialab.theory.evaluation import lambdified
from inertialab.theory.notation import beta, eta, quantity

_PROBES = 3


def variants(subject: Claim) -> dict[str, sp.Expr]:
    """Every variant by name, as an expression in the claim's symbols, none equal to the claim or to another.

    Args:
        subject: The claim; its abbreviations are varied too.
    """
    if subject.functional:
        return dict(_candidates(subject))
    probes = _probes(subject.formula)
    kept, seen = {}, [_values(subject.formula, probes)]
    for name, expression in _candidates(subject):
        values = _values(expression, probes)
        if not any(np.allclose(values, other, rtol=1e-9, atol=0, equal_nan=True) for other in seen):
            kept[name] = expression
            seen.append(values)
    return kept


def _candidates(subject: Claim) -> Iterator[tuple[str, sp.Expr]]:
    formula = subject.formula
    yield "times 2", 2 * formula
    yield "times 1/2", formula / 2
    if subject.functional:
        return  # only multiples of a formula in functions can be evaluated
    symbols = sorted(formula.free_symbols, key=str)
    for s in symbols:
        changes: tuple[sp.Expr, ...] = (s + 1,) if s.is_integer else (2 * s, s / 2, s**2)
        for changed in changes:
            yield f"{s} -> {changed}", formula.subs(s, changed)
    alike = [(a, b) for a in symbols for b in symbols if str(a) < str(b) and _alike(a, b)]
    for a, b in alike:
        yield f"{a} <-> {b}", formula.subs({a: b, b: a}, simultaneous=True)
    if beta in symbols:
        # The same formula in the other convention of momentum.
        yield "eta -> eta*(1 - beta)", formula.subs(eta, eta * (1 - beta))
        yield "eta -> eta/(1 - beta)", formula.subs(eta, eta / (1 - beta))
    yield from _term_by_term(subject)


def _term_by_term(subject: Claim) -> Iterator[tuple[str, sp.Expr]]:
    """Leave out each term of each sum, and flip its sign."""
    parts: list[tuple[str, sp.Expr, Callable[[sp.Expr], sp.Expr]]] = [
        ("", subject.rhs, lambda changed: changed.subs(subject.where)),
        *(
            (f" in {s}", e, lambda changed, s=s: subject.rhs.subs({**subject.where, s: changed}))
            for s, e in subject.where.items()
        ),
    ]
    for place, expression, insert in parts:
        for total in sorted(expression.atoms(sp.Add), key=sp.default_sort_key):
            for term in sp.Add.make_args(total):
                for verb, changed in (("without", total - term), ("sign of", total - 2 * term)):
                    if changed != 0:
                        yield f"{verb} {term} in {total}{place}", insert(expression.xreplace({total: changed}))


def _alike(a: sp.Symbol, b: sp.Symbol) -> bool:
    """Whether two symbols have the same unit, and are both counts or both not."""
    return quantity(a).dimension == quantity(b).dimension and a.is_integer == b.is_integer


def _probes(formula: sp.Expr) -> list[dict[sp.Symbol, complex]]:
    """Generic points; whole numbers where a symbol must be whole."""
    rng = np.random.default_rng(0)
    symbols = sorted(formula.free_symbols, key=str)
    return [
        {s: complex(rng.integers(3, 9) if s.is_integer else rng.uniform(0.2, 0.8)) for s in symbols}
        for _ in range(_PROBES)
    ]


def _values(expression: sp.Expr, probes: list[dict[sp.Symbol, complex]]) -> np.ndarray:
    symbols, function = lambdified(expression)
    with np.errstate(all="ignore"):
        try:
            return np.array([function(*(np.complex128(p[s]) for s in symbols)) for p in probes], dtype=complex)
        except ZeroDivisionError:
            return np.full(len(probes), np.nan)

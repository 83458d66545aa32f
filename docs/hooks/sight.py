"""What the courts would have seen: errors of a claim's formula by how small its measurements still refute them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp
from tables import folded, table

from inertialab.theory import Claim
from inertialab.theory.notation import latex
from inertialab.verification.court.families import Term, graded, whole
from inertialab.verification.court.report import percent

BEYOND = 1e4
"""Decades of a likelihood from which their number says no more: what is exact leaves no room for another formula."""


def section(subject: Claim, row: Mapping[str, Any]) -> str:
    """What each layer alone would have seen, rivals, and the wrong variants that passed; empty without any."""
    if row["power"] is None:
        return ""
    by_layer = row.get("power_by_layer", {})  # a board that was written before it was there has none
    parts = [_errors(subject, row, by_layer), _rivals(row), _survivors(row)] if by_layer else [_survivors(row)]
    return "## Power\n\n" + "\n".join(filter(None, parts))


def prefactor(row: Mapping[str, Any] | None, layer: str) -> str:
    """The smallest error of the prefactor that a layer would have seen; empty where it was not tried."""
    effects = row.get("power_by_layer", {}).get(layer) if row else None
    return _size(effects["prefactor"]) if effects else ""


def _size(effect: float | None) -> str:
    return "not seen" if effect is None else percent(effect).replace("<", "&lt;")


def _errors(subject: Claim, row: Mapping[str, Any], by_layer: Mapping[str, Mapping[str, float | None]]) -> str:
    """Tables of the graded errors, those of terms of sums folded."""
    terms = {} if subject.functional else {str(term): term for term in graded(subject)[1].values()}
    printed = {whole(str(s)): _printed(s) for s in (*subject.formula.free_symbols, *subject.arguments)}
    names = list(dict.fromkeys(name for effects in by_layer.values() for name in effects))
    plain = [(_named(name, printed), *_sizes(by_layer, name)) for name in names if not name.startswith("term ")]
    passed = row["survivors_by_layer"]
    plain.append(("wrong variants let pass", *(f"{len(passed[layer])} of {row['variants']}" for layer in by_layer)))
    of_terms = [
        (f"\\({latex(term.term)}\\)", _sum(term), *_sizes(by_layer, name))
        for name, term in terms.items()
        if name in names
    ]
    text = "From which size on an error would have been refuted by each layer alone, in both directions.\n"
    errors = f"{text}\n{table(('an error in the', *by_layer), plain)}"
    if not of_terms:
        return errors
    listed = table(("the term", "of the sum", *by_layer), of_terms)
    return f"{errors}\n{folded(f'Each of {len(of_terms)} terms of sums', listed)}"


def _sizes(by_layer: Mapping[str, Mapping[str, float | None]], name: str) -> Iterable[str]:
    return (_size(effects[name]) if name in effects else "–" for effects in by_layer.values())


def _sum(term: Term) -> str:
    return f"\\({latex(term.total)}\\)" + (f" in \\({latex(term.place)}\\)" if term.place is not None else "")


def _printed(symbol: sp.Symbol) -> str:
    """A symbol as a formula, without the indices of an entry of a matrix."""
    name = str(symbol)
    return f"\\({latex(symbol) if whole(name) == name else re.sub(r'_[{]?(i|j|ij)[}]?$', '', latex(symbol))}\\)"


def _named(name: str, printed: Mapping[str, str]) -> str:
    """The kind of error, its symbol as it is printed."""
    kind, of, symbol = name.partition(" of ")
    return f"{kind} of {printed[symbol]}" if of and symbol in printed else name


def _rivals(row: Mapping[str, Any]) -> str:
    """How much less likely other formulas make what was measured in real training."""
    told = [
        f"{name}, \\(10^{{{x:.0f}}}\\) times" if x < BEYOND else f"{name}, beyond all measure"
        for name, x in row.get("rivals", {}).items()
    ]
    return f"In real training the measurements are less likely under {'; under '.join(told)}.\n" if told else ""


def _survivors(row: Mapping[str, Any]) -> str:
    """The wrong variants of the formula that all measurements together let pass, and each layer alone."""
    share = f"Wrong variants of the formula refuted by all measurements together: {row['power']:.0%}.\n"
    alone = row.get("survivors_by_layer", {})
    named = {"all together": row["survivors"], **{f"{layer} alone": names for layer, names in alone.items()}}
    told = "".join(
        f"**Let pass by {who}**\n\n" + "".join(f"- `{name}`\n" for name in names) + "\n"
        for who, names in named.items()
        if names
    )
    return share + ("\n" + folded("Those that pass", told) if told else "")

"""What the courts would have seen: errors of a claim's formula by how small its measurements still refute them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tables import folded, table

from inertialab.theory import Claim
from inertialab.theory.notation import latex
from inertialab.verification.court.families import graded
from inertialab.verification.court.report import percent


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
    terms = {str(term): term for term in ({} if subject.functional else graded(subject)[1]).values()}
    names = list(dict.fromkeys(name for effects in by_layer.values() for name in effects))
    plain = [(_named(subject, name), *_sizes(by_layer, name)) for name in names if not name.startswith("term ")]
    passed = row["survivors_by_layer"]
    plain.append(("wrong variants let pass", *(f"{len(passed[layer])} of {row['variants']}" for layer in by_layer)))
    of_terms = [
        (f"\\({latex(term.term)}\\)", _sum(term), *_sizes(by_layer, name))
        for name, term in terms.items()
        if name in names
    ]
    text = "From which size on an error would have been refuted by each layer alone, in both directions.\n"
    errors = table(("an error in the", *by_layer), plain)
    listed = folded(f"Each of {len(of_terms)} terms of sums", table(("the term", "of the sum", *by_layer), of_terms))
    return "\n".join([text, errors, *([listed] if of_terms else [])])


def _sizes(by_layer: Mapping[str, Mapping[str, float | None]], name: str) -> Iterable[str]:
    return (_size(effects[name]) if name in effects else "–" for effects in by_layer.values())


def _sum(term: Any) -> str:
    return f"\\({latex(term.total)}\\)" + (f" in \\({latex(term.place)}\\)" if term.place is not None else "")


def _named(subject: Claim, name: str) -> str:
    """The kind of error, its symbol as it is printed; one name stands for the entries of a matrix."""
    kind, of, symbol = name.partition(" of ")
    known = {re.sub("_(i|j|ij)$", "", str(s)): s for s in (*subject.formula.free_symbols, *subject.arguments)}
    if not of or symbol not in known:
        return name
    printed = re.sub(r"_\{?(i j|ij|i|j)\}?$", "", latex(known[symbol])) if symbol != str(known[symbol]) else None
    return f"{kind} of \\({printed or latex(known[symbol])}\\)"


def _rivals(row: Mapping[str, Any]) -> str:
    """How much less likely other formulas make what was measured in real training."""
    told = [f"{name}, \\(10^{{{x:.0f}}}\\) times" for name, x in row.get("rivals", {}).items()]
    return f"In real training the measurements are less likely under {'; under '.join(told)}.\n" if told else ""


def _survivors(row: Mapping[str, Any]) -> str:
    """The wrong variants of the formula that all measurements together let pass, and each layer alone."""
    share = f"Wrong variants of the formula refuted by all measurements together: {row['power']:.0%}.\n"
    alone = row.get("survivors_by_layer", {})
    named = {"all together": row["survivors"], **{f"{layer} alone": names for layer, names in alone.items()}}
    told = "".join(f"**Let pass by {who}**\n\n{_listed(names)}\n" for who, names in named.items() if names)
    return share + ("\n" + folded("Those that pass", told) if told else "")


def _listed(names: Sequence[str]) -> str:
    return "".join(f"- `{name}`\n" for name in names)

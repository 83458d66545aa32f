"""What was published, what follows and what was measured where the two part: one section a claim, from the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tables import prose, ratio, verdict

from inertialab.theory import CLAIMS, Claim
from inertialab.theory import claim as named
from inertialab.theory.notation import latex
from inertialab.theory.parting import Parting, parting

FIRST = (
    "momentum.saddle-msd-drift",
    "adai.faster-than-sgd",
    "adam.saddle-msd",
    "sgd.escape-attributed",
    "adai.convergence-attributed",
)
"""Findings of the home page."""
COURTS = ("numerics", "simulation", "real")
INTRODUCTION = """# Findings

Formulas that are attributed to publications, and what holds in their place. Each was derived anew and confronted with
the optimizer itself; where the attributed formula fails, the one beside it was held against the same measurements.
**The wording of the publications was not checked** unless a page says so: "published" means attributed to.
"""


def parted() -> list[tuple[Claim, Parting]]:
    """Claims whose formula is not the derived one, those that contradict first."""
    found = [(claim, parts) for claim in CLAIMS if (parts := parting(claim)) and parts.relation != "identical"]
    return sorted(found, key=lambda pair: (pair[1].relation.startswith("same"), CLAIMS.index(pair[0])))


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """All findings.

    Args:
        rows: Rows of the board by claim.
    """
    return "\n".join([INTRODUCTION, *(section(claim, parts, rows.get(claim.id)) for claim, parts in parted())])


def section(claim: Claim, parts: Parting, row: Mapping[str, Any] | None) -> str:
    """One finding: both formulas, what is true in words, and the measurement in which they part most."""
    lines = [f"## {prose(claim.title.rstrip('.'))} {{#{claim.id}}}\n"]
    source = f"[{claim.source.key}](references.md#{claim.source.key})" if claim.source.key else "the continuous limit"
    lines.append(f"**Attributed to {source}:**\n\n{_formula(claim)}")
    if claim.corrected_by:
        truth = named(claim.corrected_by)
        lines.append(f"**What holds: [{truth.title.rstrip('.')}](claims/{truth.id}.md):**\n\n{_formula(truth)}")
    lines.append(f"{prose(parts.instead)}\n")
    if row and (worst := _worst(row)):
        lines.append(f"{_measured(worst)}\n")
    words = ", ".join(f"{court} {verdict(row[court])}" for court in COURTS if row and row[court] in _JUDGED)
    judged = f" Verdicts inside the regime: {words}." if words else ""
    return "\n".join([*lines, f"[Derivation, points and records](claims/{claim.id}.md).{judged}\n"])


_JUDGED = ("confirmed", "refuted", "undecided")


def _formula(claim: Claim) -> str:
    return f"$$\n{latex(claim.lhs)} = {latex(claim.rhs)}\n$$\n"


def _worst(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The refuted check in which measured and predicted differ most, in units of the margin."""
    refuted = [check for check in row["checks"] if check["verdict"] == "refuted"]
    return max(refuted, key=lambda c: abs(c["measured"] - c["predicted"]) / c["scale"] / c["margin"], default=None)


def _measured(check: Mapping[str, Any]) -> str:
    middle, low, high = (ratio(check, which) for which in ("measured", "low", "high"))
    where = "exact numerics" if check["layer"] == "numerics" else check["layer"]
    return (
        f"In {where} (`{check['check']}`, n = {check['n']:,}) measured over attributed is **{middle:.3g}** "
        f"({low:.3g} … {high:.3g})."
    )


def first(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The findings of the home page, a line each."""
    return "\n".join(_line(named(id), rows.get(id)) for id in FIRST)


def _line(claim: Claim, row: Mapping[str, Any] | None) -> str:
    worst = _worst(row) if row else None
    told = f" Measured over attributed: {ratio(worst):.2g}." if worst else ""
    title = prose(claim.title.rstrip("."))
    return f"- *Attributed:* **[{title}](findings.md#{claim.id})**. *In fact:* {prose(claim.instead)}{told}"

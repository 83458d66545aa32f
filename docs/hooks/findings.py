"""What was published, what follows and what was measured where the two part: a page a claim, from the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib
from advice import ADVICE
from look import INK, PLAIN, svg
from matplotlib.figure import Figure
from tables import layers, prose, ratio, table, title, unchecked, verdict

from inertialab.theory import CLAIMS, Claim
from inertialab.theory import claim as named
from inertialab.theory.notation import latex
from inertialab.theory.parting import Parting, parting
from inertialab.verification.court.board import LAYERS

FIRST = {
    "momentum.saddle-msd-drift": "Inertia delays the spread around a saddle; momentum's published drift hastens it.",
    "adai.faster-than-sgd": "Noise drives warm Adai away from a saddle more slowly than SGD; a cold start, its bias "
    "correction or a buffer with which it enters make it faster.",
    "adam.saddle-msd": "Adam leaves saddles as if there were no Hessian, but more slowly than published at any time.",
    "sgd.escape-attributed": "SGD's escape time has the curvature of the minimum in its prefactor, not the saddle's.",
    "adai.convergence-attributed": "Adai converges under symmetric noise; under skewed noise it rests away from the "
    "minimum, unless its inertia is made of other gradients than those it weighs.",
}
"""Findings of the home page, in plain words."""
ATTRIBUTED: Any = {"marker": "o", "color": "#e07b00", "ms": 4}
INSTEAD: Any = {"marker": "D", "color": "#3b82c4", "mfc": "none", "ms": 5}
LEGEND = (("over what is attributed", ATTRIBUTED), ("over what holds instead", INSTEAD))
INTRODUCTION = """# Findings

Formulas that are attributed to publications, and what holds in their place. Each was derived anew and confronted with
the optimizer itself; where the attributed formula fails, the one beside it was held against the same measurements.
**The wording of the publications was not checked** unless a page says so: "published" means attributed to.
"""


def parted() -> list[tuple[Claim, Parting]]:
    """Claims whose formula is not the derived one, those that contradict first."""
    found = [(claim, parts) for claim in CLAIMS if (parts := parting(claim)) and parts.relation != "identical"]
    return sorted(found, key=lambda pair: (pair[1].relation.startswith("same"), CLAIMS.index(pair[0])))


def index(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """All findings, a line each.

    Args:
        rows: Rows of the board by claim.
    """
    lines = [
        (f"[{title(claim)}](findings/{claim.id}.md)", prose(parts.instead), _times(rows.get(claim.id)))
        for claim, parts in parted()
    ]
    return f"{INTRODUCTION}\n{table(('attributed', 'in fact', 'measured over attributed'), lines)}"


def pages(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Address and content of the page of each finding."""
    for claim, parts in parted():
        yield f"findings/{claim.id}.md", page(claim, parts, rows.get(claim.id))


def page(claim: Claim, parts: Parting, row: Mapping[str, Any] | None) -> str:
    """One finding: both formulas, what is true in words, where they part most, and what it means in training."""
    lines = [f"# {title(claim)}\n"]
    key = claim.source.key
    source = f"[{key}](../papers/{key}.md){unchecked(claim.source)}" if key else "the continuous limit"
    lines.append(f"**Attributed to {source}:**\n\n{_formula(claim)}")
    if claim.corrected_by:
        truth = named(claim.corrected_by)
        lines.append(f"**What holds: [{title(truth)}](../claims/{truth.id}.md):**\n\n{_formula(truth)}")
    lines.append(f"{prose(parts.instead)}\n")
    if row and (worst := _worst(row)):
        lines.append(f"{_measured(worst)}\n\n{picture(claim, row)}\n")
    words = ", ".join(f"{court} {verdict(row[court])}" for court in LAYERS if row and row[court] in _JUDGED)
    judged = f" Verdicts inside the regime: {words}." if words else ""
    lines.append(f"## When you train\n\n{prose(ADVICE[claim.id])}\n")
    return "\n".join([*lines, f"[Derivation, regime, points and records](../claims/{claim.id}.md).{judged}\n"])


_JUDGED = ("confirmed", "refuted", "undecided")


def picture(claim: Claim, row: Mapping[str, Any]) -> str:
    """The figure of the claim's page, where the points of both formulas stand."""
    seen = f"Measured over attributed at {len(row['checks'])} points of {layers(row)}; hollow: over what holds instead"
    return f"![{seen}](../claims/{claim.id}.svg)"


def _formula(claim: Claim) -> str:
    return f"$$\n{latex(claim.lhs)} = {latex(claim.rhs)}\n$$\n"


def _worst(row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The refuted check in which both differ most, in units of the margin; of those inside the regime if there are."""
    refuted = _refuted(row)
    inside = [check for check in refuted if check["in_regime"]]
    return max(
        inside or refuted, key=lambda c: abs(c["measured"] - c["predicted"]) / c["scale"] / c["margin"], default=None
    )


def _refuted(row: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return [check for check in row["checks"] if check["verdict"] == "refuted"] if row else []


def _measured(check: Mapping[str, Any]) -> str:
    where = "exact numerics" if check["layer"] == "numerics" else check["layer"]
    runs = "" if check["low"] == check["high"] else f", n = {check['n']:,}"
    limits = "inside its regime" if check["in_regime"] else "outside the regime in which it holds"
    return f"In {where} (`{check['check']}`{runs}), {limits}, measured over attributed is {_interval(check)}."


def _interval(check: Mapping[str, Any]) -> str:
    """Measured over attributed, with the interval where there is one."""
    middle, low, high = (f"{ratio(check, which):.3g}" for which in ("measured", "low", "high"))
    return f"**{middle}**" + (f" ({low} … {high})" if check["low"] != check["high"] else ", exactly computed")


def _times(row: Mapping[str, Any] | None) -> str:
    worst = _worst(row)
    return f"{ratio(worst):.3g}" + ("" if worst["in_regime"] else ", outside its regime") if worst else "–"


def first(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The findings of the home page, a line each, and their picture."""
    lines = "\n".join(_line(named(id), rows.get(id), n) for n, id in enumerate(FIRST, 1))
    drawn = [id for id in FIRST if _refuted(rows.get(id))]
    seen = (
        f"Points at which {len(drawn)} attributed formulas were refuted: measured over attributed is scattered away "
        "from 1, measured over what holds instead lies at 1"
    )
    return lines + (f"\n\n![{seen}](findings.svg)" if drawn else "")


def figure(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The findings of the home page: measured over attributed and over what holds, at the same points, as SVG."""
    with matplotlib.rc_context({"svg.hashsalt": "findings", **PLAIN}):
        drawing = Figure(figsize=(9, 2.4))
        axes = drawing.subplots(gridspec_kw={"left": 0.04, "right": 0.99, "bottom": 0.22, "top": 0.88})
        for height, id in enumerate(FIRST):
            refuted = _refuted(rows.get(id))
            instead = [check for check in rows[id]["checks"] if check["instead"]] if refuted else []
            for checks, look in ((refuted, ATTRIBUTED), (instead, INSTEAD)):
                axes.plot([ratio(check) for check in checks], [height] * len(checks), ls="", **look)
        axes.axvline(1, color=INK, lw=0.8, alpha=0.6, zorder=0)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set(xlabel="measured / predicted", yticks=range(len(FIRST)), ylim=(len(FIRST) - 0.5, -0.5))
        axes.set_yticklabels([str(n) for n in range(1, len(FIRST) + 1)])
        handles = [axes.plot([], [], ls="", label=label, **look)[0] for label, look in LEGEND]
        drawing.legend(handles=handles, loc="upper right", ncols=2, fontsize=8, frameon=False)
        return svg(drawing)


def _line(claim: Claim, row: Mapping[str, Any] | None, n: int) -> str:
    worst = _worst(row)
    told = f" Measured over what is attributed to a publication: {_interval(worst)}." if worst else ""
    return f"{n}. [{prose(FIRST[claim.id])}](findings/{claim.id}.md){told}"

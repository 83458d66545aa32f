"""The page of one claim, a view of the claim object and of its row on the board."""

import csv
import io
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import papers
import sight
import source_page
import sympy as sp
from tables import folded, layers, meanings, prose, ratio, stands, table, title, verdict

from inertialab.theory import CLAIMS, Claim
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, PUBLISHED_OVER_DERIVED
from inertialab.theory.notation import NOTATION, Quantity, latex, quantity
from inertialab.theory.parting import parting
from inertialab.verification.court.power import bar
from inertialab.verification.where import places

COURTS = (
    ("derivation", "Does it follow from the update rule?"),
    ("numerics", "Do exact numerics agree?"),
    ("simulation", "Do particles under the real optimizer agree?"),
    ("real", "Does the training of real networks agree?"),
)

SPOKEN = {
    sp.Symbol("theta'"): r"\theta'",
    PUBLISHED_OVER_DERIVED: r"\text{published} / \text{derived}",
    PUBLISHED_MINUS_DERIVED: r"\text{published} - \text{derived}",
}
"""Left-hand sides whose names are words, or have a prime."""
PRINTED = {q.symbol: q.latex for q in NOTATION.values()}
IDS = {claim.id for claim in CLAIMS}
NAMED = re.compile(rf"`[^`]*`|(?<![\w.-])(?:{'|'.join(sorted(map(re.escape, IDS), key=len, reverse=True))})(?![\w-])")
"""What may name a claim in running text: code, and an id that is no part of another word."""


def page(subject: Claim, row: Mapping[str, Any] | None, maps: str = "") -> str:
    """Markdown of a claim's page.

    Args:
        subject: The claim.
        row: Its row of the board, None when it was not measured.
        maps: Its regime maps.
    """
    parts = [
        f"# {title(subject)}\n",
        f"`{subject.id}` · {subject.kind}\n",
        statement(subject),
        symbols(subject),
        context(subject),
    ]
    parts += [instead(subject), courts(subject, row)]
    if row and row["checks"]:
        parts += [measurements(subject, row), maps, sight.section(subject, row)]
    return "\n".join([*parts, derivation(subject), where(subject), cite(subject)])


def about(subject: Claim, row: Mapping[str, Any] | None) -> str:
    """The claim and its verdicts, for those who search."""
    told = ", ".join(f"{layer} {row[layer]}" for layer, _ in COURTS if row[layer] != "not applicable") if row else ""
    return f"{subject.title.rstrip('.')}: {told or 'not measured'}"


def linked(text: str) -> str:
    """Words in which claims that are named are links."""
    return NAMED.sub(_link, prose(text))


def _link(found: re.Match[str]) -> str:
    id = found[0].strip("`")
    return f"[`{id}`]({id}.md)" if id in IDS else found[0]


def cite(subject: Claim) -> str:
    """The entries of the source, if there is one, and of this project, to be copied."""
    key = subject.source.key
    entries = [*([papers.bibtex(key)] if key else []), papers.own(subject.id)]
    return "## Cite\n\n" + "".join(f"```bibtex\n{entry}\n```\n\n" for entry in entries)


def where(subject: Claim) -> str:
    """Links to the lines where the claim is derived, judged and measured, and to its records."""
    rows = [(place.role, source_page.link(place), place.text) for place in places(subject.id)]
    return f"## Where\n\n{table(('what', 'line', 'what is there'), rows)}"


def equation(lhs: sp.Basic | None, rhs: sp.Basic) -> str:
    """A displayed formula."""
    left = "" if lhs is None else f"{SPOKEN.get(lhs) or latex(lhs)} = "
    return f"$$\n{left}{latex(rhs)}\n$$\n\n"


def statement(subject: Claim) -> str:
    """The formula and its abbreviations, whose symbols tell what they mean."""
    names = {q.symbol: f"\\htmlData{{symbol={q.symbol}}}{{{q.latex}}}" for q in quantities(subject)}
    first, *others = (_marked(names, lhs, rhs) for lhs, rhs in ((subject.lhs, subject.rhs), *subject.where.items()))
    return first + ("\nwith\n\n" + "".join(others) if others else "")


def _marked(names: Mapping[sp.Symbol, str], lhs: sp.Symbol, rhs: sp.Expr) -> str:
    """A displayed formula, beside it the same with each symbol marked: symbols.js draws that one in its place."""
    both = " = ".join(sp.latex(e, symbol_names={**PRINTED, **names}, order="none") for e in (lhs, rhs))
    return f'<div data-marked="{escape(both)}" markdown>\n\n{equation(lhs, rhs)}</div>\n\n'


def symbols(subject: Claim) -> str:
    """What each symbol of the statement means, and its unit."""
    return folded("What the symbols mean", meanings(quantities(subject)), "symbols")


def quantities(subject: Claim) -> list[Quantity]:
    """The quantities that a claim speaks of, by name."""
    regime = (*subject.regime.conditions, *subject.regime.beside)
    expressions = (subject.lhs, subject.rhs, *subject.where, *subject.where.values(), *regime)
    used = set(subject.arguments).union(*(e.free_symbols for e in expressions if e is not None))
    return sorted((quantity(s) for s in used), key=lambda q: str(q.symbol).lower())


def context(subject: Claim) -> str:
    """Regime, source and dependencies."""
    relations = (*subject.regime.conditions, *subject.regime.beside)
    conditions = ", ".join(f"\\({latex(c)}\\)" for c in relations) or "all allowed values"
    uses = ", ".join(f"[`{u}`]({u}.md)" for u in subject.uses) or "nothing"
    key = subject.source.key
    source = f"[`{key}`](../papers/{key}.md), {subject.source.locator}" if key else "derived here"
    flag = "" if not key or subject.source.wording_checked else " — wording not checked against the publication"
    arguments = ", ".join(f"{s}=..." for s in subject.arguments)
    return (
        f"- **Regime**: {conditions}. {linked(subject.regime.note)}\n- **Source**: {source}{flag}\n- **Uses**: {uses}\n"
        f'- **In Python**: `inertialab.theory.claim("{subject.id}").predict({arguments})`\n'
    )


def instead(subject: Claim) -> str:
    """How the formula stands to the derived one, and what is true instead."""
    found = parting(subject)
    if not found:
        return ""
    truth = f" by [`{subject.corrected_by}`]({subject.corrected_by}.md)" if subject.corrected_by else ""
    over = found.step.lhs == PUBLISHED_OVER_DERIVED
    between = "divided by" if over else "minus"
    parts = found.relation != "identical"
    finding = f" [What it means when you train](../findings/{subject.id}.md#when-you-train)." if parts else ""
    verb = "Derived anew" if found.relation == "identical" else "Corrected"
    return (
        f'!!! note "{verb}{truth}: {stands(subject, found.relation)}"\n'
        f"    {found.step.text}: this formula {between} the derived one is \\({latex(found.step.rhs)}\\). "
        f"{linked(found.instead)}{finding}\n"
    )


def courts(subject: Claim, row: Mapping[str, Any] | None) -> str:
    """The verdict in each court, and which of them rest on too little."""
    weak = row.get("weak", ()) if row else ()
    beyond = row.get("beyond", {}) if row else {}  # a board that was written before it was there has none
    rows = [
        (
            question,
            verdict(row[layer] if row else "not measured")
            + (_weakly(subject, layer) if layer in weak else "")
            + _outside(beyond.get(layer, {})),
            sight.prefactor(row, layer),
        )
        for layer, question in COURTS
    ]
    return f"## Verdict\n\n{table(('court', 'verdict', 'would have seen, in the prefactor'), rows)}"


def _weakly(subject: Claim, layer: str) -> str:
    return f", weakly: it would not have seen {bar(subject.id, subject.kind, layer):.0%} in the prefactor"


def _outside(counts: Mapping[str, int]) -> str:
    """What became of points outside the regime, which do not touch the verdict on the claim."""
    told = ", ".join(f"{verdict(word)} at {n} of {sum(counts.values())} points" for word, n in counts.items())
    return f"; outside its regime {told}" if told else ""


def derivation(subject: Claim) -> str:
    """Prose and steps."""
    steps = "".join(
        f"**{n}.** {linked(s.text)} *({s.status})*\n\n{equation(s.lhs, s.rhs)}\n"
        for n, s in enumerate(subject.steps, 1)
    )
    text = linked(chr(10).join(subject.prose.splitlines()[2:]))
    listed = folded(f"All {len(subject.steps)} steps", steps)
    return f"## Derivation\n\n{text}\n\n{listed}\n{_end(subject)}\n"


def _end(subject: Claim) -> str:
    """What the steps come to."""
    found = parting(subject)
    if found and not found.relation.startswith(("identical", "same")):
        return "So the published formula is not what follows."
    if any(step.status == "assumed" for step in subject.steps):
        return "So the statement follows if what was assumed on the way holds."
    if any(step.status == "checked numerically" for step in subject.steps):
        return "So the statement follows, a step of it checked numerically."
    return "So the statement follows from the assumptions. *(proven)*"


def measurements(subject: Claim, row: Mapping[str, Any]) -> str:
    """Figure and table of every check."""
    rows = [
        (
            check["layer"],
            check["check"],
            _point(check["point"]).replace("*", r"\*"),
            f"{check['predicted']:.5g}",
            f"{check['low']:.5g} … {check['high']:.5g}",
            f"{ratio(check):.4f}",
            f"{check['margin']:g}",
            f"{check['n']:,}",
            verdict(check["verdict"]) + _of_what(check),
        )
        for check in row["checks"]
    ]
    header = ("layer", "study", "point", "predicted", "measured, interval", "ratio", "margin", "n", "verdict")
    picture = f"![{_seen(row)}]({subject.id}.svg)"
    again = f"`python -m inertialab.verification --only {subject.id}` measures and judges them again."
    listed = folded(f"All {len(rows)} points", table(header, rows))
    return f"## Measurements\n\n{picture}\n\n{listed}\n[Points as CSV]({subject.id}.csv). {again}\n"


def points(row: Mapping[str, Any]) -> str:
    """Every check of a claim as CSV."""
    out = io.StringIO()
    names = ("layer", "check", "point", "predicted", "measured", "low", "high", "margin", "n", "in_regime", "verdict")
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**check, "point": _point(check["point"])} for check in row["checks"])
    return out.getvalue()


def _seen(row: Mapping[str, Any]) -> str:
    """What the figure shows, for those who do not see it."""
    ratios = [ratio(c) for c in row["checks"] if c["in_regime"]]
    spread = f"; inside the regime the ratio lies between {min(ratios):.3g} and {max(ratios):.3g}" if ratios else ""
    least, most = (made(check["n"] for check in row["checks"]) for made in (min, max))
    runs = f"n = {least:,}" + (f" to {most:,}" if most > least else "")
    others = " and ".join(dict.fromkeys(name for check in row["checks"] for name in check.get("rivals", {})))
    beside = f"; beside it what others say at the same points: {others}" if others else ""
    seen = f"Measured against predicted at {len(row['checks'])} points of {layers(row)}, {runs}, with intervals"
    return seen + spread + beside


def _of_what(check: Mapping[str, Any]) -> str:
    """What a verdict is about, where it is not plainly the claim inside its regime."""
    if check["instead"]:
        return f": [`{check['instead']}`]({check['instead']}.md) holds here instead"
    notes = [] if check["in_regime"] else ["outside the regime, as expected"]
    notes += [] if check["registered"] else ["row written after the measurement"]
    return f" ({', '.join(notes)})" if notes else ""


def _point(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} = {v:.4g}" if isinstance(v, float) else f"{k} = {v}" for k, v in point.items())

"""The page of one claim, a view of the claim object and of its row on the board."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
import source_page
import sympy as sp
from matplotlib.figure import Figure
from tables import table, verdict

from inertialab.theory import Claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED
from inertialab.theory.notation import latex
from inertialab.theory.parting import parting
from inertialab.verification.court.power import bar
from inertialab.verification.court.report import in_words
from inertialab.verification.where import places

COLOURS = {"numerics": "#555555", "simulation": "#1565c0", "real": "#ef6c00"}
COURTS = (
    ("derivation", "Does it follow from the update rule?"),
    ("numerics", "Does exact numerics agree?"),
    ("simulation", "Do particles under the real optimizer agree?"),
    ("real", "Does the training of real networks agree?"),
)


def page(subject: Claim, row: Mapping[str, Any] | None) -> str:
    """Markdown of a claim's page.

    Args:
        subject: The claim.
        row: Its row of the board, None when it was not measured.
    """
    parts = [
        f"# {subject.title.rstrip('.')}\n",
        f"`{subject.id}` · {subject.kind}\n",
        statement(subject),
        context(subject),
    ]
    parts += [instead(subject), courts(subject, row), derivation(subject)]
    if row and row["checks"]:
        parts += [measurements(subject, row), power(row)]
    return "\n".join([*parts, where(subject)])


def where(subject: Claim) -> str:
    """Links to the lines where the claim is derived, judged and measured, and to its records."""
    rows = [(place.role, source_page.link(place), place.text) for place in places(subject.id)]
    return f"## Where\n\n{table(('', 'line', 'what is there'), rows)}"


def equation(lhs: sp.Basic | None, rhs: sp.Basic) -> str:
    """A displayed formula."""
    left = "" if lhs is None else f"{latex(lhs)} = "
    return f"$$\n{left}{latex(rhs)}\n$$\n\n"


def statement(subject: Claim) -> str:
    """The formula and its abbreviations."""
    where = "".join(equation(s, e) for s, e in subject.where.items())
    return equation(subject.lhs, subject.rhs) + (f"\nwith\n\n{where}" if where else "")


def context(subject: Claim) -> str:
    """Regime, source and dependencies."""
    conditions = ", ".join(f"\\({latex(c)}\\)" for c in subject.regime.conditions) or "all allowed values"
    uses = ", ".join(f"[`{u}`]({u}.md)" for u in subject.uses) or "nothing"
    key = subject.source.key
    source = f"[`{key}`](../references.md), {subject.source.locator}" if key else "derived here"
    flag = "" if not key or subject.source.wording_checked else " — wording not checked against the publication"
    arguments = ", ".join(f"{s}=..." for s in subject.arguments)
    return (
        f"- **Regime**: {conditions}. {subject.regime.note}\n- **Source**: {source}{flag}\n- **Uses**: {uses}\n"
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
    verb = "Confirmed" if found.relation == "identical" else "Corrected"
    return (
        f'!!! note "{verb}{truth}: {found.relation}"\n'
        f"    {found.step.text}: this formula {between} the derived one is \\({latex(found.step.rhs)}\\). "
        f"{found.instead}\n"
    )


def courts(subject: Claim, row: Mapping[str, Any] | None) -> str:
    """The verdict in each court, and which of them rest on too little."""
    weak = row.get("weak", ()) if row else ()
    rows = [
        (question, verdict(row[layer] if row else "not measured") + (_weakly(subject, layer) if layer in weak else ""))
        for layer, question in COURTS
    ]
    return f"## Verdict\n\n{table(('court', 'verdict'), rows)}"


def _weakly(subject: Claim, layer: str) -> str:
    return f", weakly: it would not have seen {bar(subject.kind, layer):.0%} in the prefactor"


def derivation(subject: Claim) -> str:
    """Prose and steps."""
    steps = "".join(
        f"**{n}.** {s.text} *({s.status})*\n\n{equation(s.lhs, s.rhs)}\n" for n, s in enumerate(subject.steps, 1)
    )
    prose = chr(10).join(subject.prose.splitlines()[2:])
    end = "So the statement follows from the assumptions. *(proven)*"
    return f"## Derivation\n\n{prose}\n\n{steps}\n{end}\n"


def measurements(subject: Claim, row: Mapping[str, Any]) -> str:
    """Figure and table of every check."""
    rows = [
        (
            check["layer"],
            check["check"],
            _point(check["point"]),
            f"{check['predicted']:.5g}",
            f"{check['low']:.5g} … {check['high']:.5g}",
            f"{1 + (check['measured'] - check['predicted']) / check['scale']:.4f}",
            f"{check['margin']:g}",
            f"{check['n']:,}",
            verdict(check["verdict"]) + _of_what(check),
        )
        for check in row["checks"]
    ]
    header = ("layer", "study", "point", "predicted", "measured, interval", "ratio", "margin", "n", "verdict")
    return f"## Measurements\n\n![Measured against predicted]({subject.id}.svg)\n\n{table(header, rows)}"


def _of_what(check: Mapping[str, Any]) -> str:
    """What a verdict is about, where it is not plainly the claim inside its regime."""
    if check["instead"]:
        return f": [`{check['instead']}`]({check['instead']}.md) holds here instead"
    notes = [] if check["in_regime"] else ["outside the regime, as expected"]
    notes += [] if check["registered"] else ["row written after the measurement"]
    return f" ({', '.join(notes)})" if notes else ""


def power(row: Mapping[str, Any]) -> str:
    """What each layer would have seen, and the survivors of the power test."""
    if row["power"] is None:
        return ""
    layers = "".join(f"- **{layer}** {_sees(row, layer)}\n" for layer in row.get("power_by_layer", ()))
    survivors = "".join(f"- `{s}`\n" for s in row["survivors"]) or "No wrong variant survived.\n"
    share = f"Wrong variants of the formula refuted by the same measurements: {row['power']:.0%}."
    return f"## Power\n\n{layers}\n{_rivals(row)}{share}\n\n{survivors}"


def _rivals(row: Mapping[str, Any]) -> str:
    """How much less likely other formulas make what was measured in real training."""
    told = [f"{name}, \\(10^{{{x:.0f}}}\\) times" for name, x in row.get("rivals", {}).items()]
    return f"In real training the measurements are less likely under {'; under '.join(told)}.\n\n" if told else ""


def _sees(row: Mapping[str, Any], layer: str) -> str:
    """What one layer by itself can tell apart, and the wrong variants that it lets pass."""
    passed = row["survivors_by_layer"][layer]
    names = ", ".join(f"`{name}`" for name in passed)
    alone = f". Alone it lets {len(passed)} of {row['variants']} wrong variants pass: {names}" if passed else ""
    return _escaped(in_words(row["power_by_layer"][layer])) + alone


def _escaped(text: str) -> str:
    """Formulas in prose, of which nothing is taken for emphasis or a tag."""
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")


def _point(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} = {v:.4g}" if isinstance(v, float) else f"{k} = {v}" for k, v in point.items())


def figure(row: Mapping[str, Any]) -> str:
    """Measured against predicted, and their ratio with intervals, as SVG."""
    with matplotlib.rc_context({"svg.hashsalt": row["id"], "font.size": 9}):
        drawing = Figure(figsize=(9, 3.6), layout="constrained")
        against, ratios = drawing.subplots(1, 2, width_ratios=(1, 1.6))
        for layer, colour in COLOURS.items():
            checks = [(i, c) for i, c in enumerate(row["checks"]) if c["layer"] == layer]
            _scatter(against, ratios, checks, layer, colour)
        _finish(against, ratios)
        out = io.StringIO()
        drawing.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _scatter(against: Any, ratios: Any, checks: list[tuple[int, Mapping[str, Any]]], layer: str, colour: str) -> None:
    for inside, marker in ((True, "o"), (False, "x")):
        mine = [(i, c) for i, c in checks if c["in_regime"] == inside]
        if not mine:
            continue
        label = layer if inside else f"{layer}, outside the regime"
        against.plot(
            [abs(c["predicted"]) for _, c in mine],
            [abs(c["measured"]) for _, c in mine],
            marker,
            color=colour,
            ms=4,
        )
        middle = [1 + (c["measured"] - c["predicted"]) / c["scale"] for _, c in mine]
        half = [(c["high"] - c["low"]) / 2 / abs(c["scale"]) for _, c in mine]
        ratios.errorbar([i for i, _ in mine], middle, half, fmt=marker, color=colour, ms=4, capsize=2, label=label)
    for i, c in checks:
        ratios.plot([i - 0.4, i + 0.4], [1 + c["margin"]] * 2, color="0.6", lw=0.8)
        ratios.plot([i - 0.4, i + 0.4], [1 - c["margin"]] * 2, color="0.6", lw=0.8)


def _finish(against: Any, ratios: Any) -> None:
    against.set(xscale="log", yscale="log", xlabel="predicted", ylabel="measured", title="measured against predicted")
    low, high = against.get_xlim()
    against.plot([low, high], [low, high], color="0.6", lw=0.8, zorder=0)
    ratios.axhline(1, color="0.8", lw=0.8, zorder=0)
    ratios.set(
        xlabel="check, in the order of the table",
        ylabel="measured / predicted",
        title="ratio, interval and margin",
    )
    ratios.legend(fontsize=8)

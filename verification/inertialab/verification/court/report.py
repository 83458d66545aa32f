"""The verdict board for people: short marks, grouped by subject, then whatever is not as expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inertialab.verification.court.board import COLUMNS, LAYERS
from inertialab.verification.court.errors import failing
from inertialab.verification.court.power import BAR, EXACT, EXITS, FLOOR, OTHER
from inertialab.verification.studies.study import Findings

Rows = Sequence[Mapping[str, Any]]

MARKS = {
    "confirmed": ("✓", "green"),
    "proven": ("✓", "green"),
    "refuted": ("✗", "red"),
    "contradicts": ("✗", "red"),
    "undecided": ("?", "yellow"),
    "weak": ("w", "yellow"),
    "checked numerically": ("≈", "cyan"),
    "assumed": ("a", "cyan"),
    "not measured": ("·", "dim"),
    "not applicable": (" ", "dim"),
}
USED = 0.7
"""Share of a margin from which on a confirmation is near its edge."""
PLAIN = str.maketrans("✓✗≈·", "+x~.")
"""The same marks where the terminal knows no others."""
LEGEND = (
    "D derivation: ✓ proven   ≈ checked numerically in a step   a assumed in a step   ✗ contradicts",
    "N numerics, S simulation, R real training: ✓ confirmed   ✗ refuted   ? undecided   · not measured",
    f"   w weak: misses {OTHER:.0%} in the prefactor ({EXACT:.0%}: N and S of exact claims; {EXITS:.0%}: real exits)",
    "power: smallest error of the prefactor that the strongest layer would refute",
)


def total_power(rows: Rows) -> float:
    """Share of all wrong variants of all formulas that were refuted; 1 when there are none."""
    tried = sum(row["variants"] for row in rows)
    return 1 - sum(len(row["survivors"]) for row in rows) / tried if tried else 1.0


def surprises(rows: Rows) -> list[tuple[str, Mapping[str, Any]]]:
    """Claim and check of every verdict that is not the expected one, though the measurement was precise enough."""
    return [(id, c) for id, c in _unlike(rows) if not c["out_of_budget"]]


def starved(rows: Rows) -> list[tuple[str, Mapping[str, Any]]]:
    """Claim and check of every verdict that more sampling would have decided, one way or the other."""
    return [(id, c) for id, c in _unlike(rows) if c["out_of_budget"]]


def _unlike(rows: Rows) -> list[tuple[str, Mapping[str, Any]]]:
    return [(row["id"], c) for row in rows for c in row["checks"] if c["verdict"] != c["expected"]]


def print_board(console: Console, content: Mapping[str, Any], subject_of: Callable[[str], str]) -> None:
    """Print every claim's verdicts by subject, then what was left out, is stale, survived or surprises.

    Args:
        console: Where to.
        content: A board.
        subject_of: Gives the heading under which a claim stands.
    """
    plain = not console.encoding.lower().startswith("utf")
    table = Table(title=f"Verdict board ({content['tier']} tier, {content['device']}, seed {content['seed']})")
    for column in ("claim", "kind"):
        table.add_column(column, no_wrap=True)
    for letter in "DNSR":
        table.add_column(letter, justify="center")
    for column in ("checks", "power"):
        table.add_column(column, justify="right", no_wrap=True)
    heading = ""
    for row in content["rows"]:
        subject = subject_of(row["id"])
        if subject != heading:
            table.add_section()
            table.add_row(f"[bold]{subject}[/]")
            heading = subject
        weak = row.get("weak", ())
        cells = [_mark("weak" if name in weak else row[name], plain) for name in COLUMNS]
        table.add_row(row["id"], row["kind"], *cells, str(len(row["checks"]) or ""), strongest(row))
    console.print(table)
    for line in LEGEND:
        console.print(line.translate(PLAIN) if plain else line, highlight=False, style="dim")
    for word, notes in (("left out", content["absent"]), ("stale", content.get("stale", {}))):
        for study, reason in notes.items():
            console.print(f"[yellow]{word}[/] {study}: {reason}", highlight=False)
    for row in content["rows"]:
        for survivor in row["survivors"]:
            console.print(f"[yellow]survivor[/] {row['id']}: {escape(survivor)}", highlight=False)
    for id, check in surprises(content["rows"]):
        console.print(f"[red]surprise[/] {escape(sentence(id, check))}", highlight=False)
    for id, check in starved(content["rows"]):
        console.print(f"[yellow]out of budget[/] {escape(sentence(id, check))}", highlight=False)
    for error in failing(content["errors"]):
        console.print(f"[red]errors[/] {_scatter(error)}", highlight=False)
    console.print(summary(content["rows"]), highlight=False, soft_wrap=True)
    if content["errors"]:
        right = len(content["errors"]) - len(failing(content["errors"]))
        console.print(f"{right} of {len(content['errors'])} tests of the standard errors passed", highlight=False)


def strongest(row: Mapping[str, Any]) -> str:
    """Smallest error of the prefactor that one of the layers would have refuted; empty where none was tried."""
    tried = [effects["prefactor"] for layer, effects in _effects(row).items() if row[layer] == "confirmed"]
    seen = [size for size in tried if size is not None]
    return percent(min(seen)) if seen else "none" if tried else ""


def _effects(row: Mapping[str, Any]) -> Mapping[str, Mapping[str, float | None]]:
    return row.get("power_by_layer", {})  # a board that was written before it was there


def percent(size: float) -> str:
    """A relative size in percent with two digits; below what is resolved, that it is smaller.

    >>> percent(0.0123), percent(1.0), percent(0.00042)
    ('1.2%', '100%', '0.042%')
    """
    if size <= FLOOR:
        return f"<{100 * FLOOR:.4f}%"
    return f"{100 * size:.{max(0, 1 - math.floor(math.log10(100 * size)))}f}%"


def _mark(verdict: str, plain: bool) -> str:
    sign, colour = MARKS.get(verdict, (verdict, "dim"))
    return f"[{colour}]{sign.translate(PLAIN) if plain else sign}[/]"


def minima(findings: Mapping[str, Findings]) -> list[str]:
    """One line for each real minimum: how B*C/H compares with 1, and PyHessian's eigenvalue with ours."""
    lines = []
    for study, found in findings.items():
        if "lambda" in found.facts:
            ratio, calibration = found.facts["B*C/H"], found.facts["calibration"]
            theirs = calibration["pyhessian"]
            beside = f"PyHessian {theirs:.6g}" if theirs is not None else calibration["reason"]
            lines.append(
                f"{study}: B*C/H {min(ratio):.2f} to {max(ratio):.2f}, "
                f"gradient norm {found.facts['gradient norm']:.0e}, lambda1 {calibration['ours']:.6g}, {beside}"
            )
    return lines


def sentence(id: str, check: Mapping[str, Any]) -> str:
    """One judgement in words.

    Args:
        id: The claim.
        check: A check of its row.
    """
    place = ", ".join(f"{k} = {v:g}" if isinstance(v, float | int) else str(v) for k, v in check["point"].items())
    ratio, low, high = (1 + (check[k] - check["predicted"]) / check["scale"] for k in ("measured", "low", "high"))
    low, high = sorted((low, high))
    instead = f", in whose place {check['instead']} should hold," if check["instead"] else ""
    return (
        f"{id}{instead} is {check['verdict']}, expected {check['expected']}, in {check['check']} at {place}: "
        f"measured/predicted {ratio:.4g} in [{low:.4g}, {high:.4g}], margin {check['margin']:g}"
    )


def _scatter(error: Mapping[str, Any]) -> str:
    interval = f"[{error['low']:.3g}, {error['high']:.3g}], margin {error['margin']:g}"
    return f"{error['study']}: scatter over claimed error {error['ratio']:.3g} in {interval}: {error['verdict']}"


def summary(rows: Rows) -> str:
    """The closing lines: verdicts and power; the cells of the board that nothing has filled, and the weak ones."""
    cells = [row[layer] for row in rows for layer in LAYERS if row[layer] != "not applicable"]
    empty = f"{cells.count('not measured')} of {len(cells)} applicable cells not measured"
    judged = sum(len(row["checks"]) for row in rows)
    if not judged:
        return f"Nothing was judged; {empty}"
    tried = sum(row["variants"] for row in rows)
    verdicts = f"{judged - len(_unlike(rows))} of {judged} verdicts as expected"
    power = f"power {total_power(rows):.1%} of {tried} wrong variants refuted (bar {BAR:.0%})"
    weak = sum(len(row.get("weak", ())) for row in rows)
    confirmed = sum(row[layer] == "confirmed" for row in rows for layer in LAYERS)
    return f"{verdicts}; {power};\n{empty}; {weak} of {confirmed} confirmed cells weak{_cautions(rows)}"


def _cautions(rows: Rows) -> str:
    """What a reader should know of the verdicts beside their number; empty when there is nothing."""
    checks = [check for row in rows for check in row["checks"]]
    short = len(starved(rows))
    near = sum(c["verdict"] == c["expected"] == "confirmed" and c["used"] > USED for c in checks)
    late = sum(not c["registered"] for c in checks)
    said = [f"{short} undecided for want of budget (--tier full samples more)"] * bool(short)
    said += [f"{near} confirmed by less than {1 - USED:.0%} of their margin"] * bool(near)
    said += [f"{late} by rows written after the measurement"] * bool(late)
    return f";\n{', '.join(said)}" if said else ""

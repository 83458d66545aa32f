"""The verdict board: as a file for other programs, as a table for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from inertialab.experiments import store
from inertialab.verification.court import LAYERS, Judgement
from inertialab.verification.power import BAR, Power
from inertialab.verification.study import Findings

SCHEMA = 1
COLOURS = {
    "confirmed": "green",
    "proven": "green",
    "refuted": "red",
    "contradicts": "red",
    "undecided": "yellow",
}


def board(
    rows: Sequence[Mapping[str, Any]], *, tier: str, device: str, seed: int, absent: Mapping[str, str]
) -> dict[str, Any]:
    """The content of board.json, a public interface.

    Args:
        rows: One per claim, from `court.board_row`.
        tier: quick or full.
        device: Device of the measurements.
        seed: Seed of the run.
        absent: Studies that were left out, and why.
    """
    commit, dirty = store.commit()
    return {
        "schema": SCHEMA,
        "commit": commit,
        "dirty": dirty,
        "tier": tier,
        "device": device,
        "seed": seed,
        "versions": store.versions(),
        "absent": dict(absent),
        "rows": list(rows),
    }


def total_power(powers: Sequence[Power]) -> float:
    """Share of all wrong variants of all formulas that were refuted; 1 when there are none."""
    tried = sum(p.tried for p in powers)
    return 1 - sum(len(p.survivors) for p in powers) / tried if tried else 1.0


def print_board(
    console: Console, content: Mapping[str, Any], judgements: Sequence[Judgement], powers: Sequence[Power]
) -> None:
    """Print every claim's verdicts, then whatever is not as expected."""
    table = Table(title=f"Verdict board ({content['tier']} tier, {content['device']}, seed {content['seed']})")
    for column in ("claim", "kind", "derivation", *LAYERS, "checks", "power"):
        table.add_column(column, no_wrap=True)
    for row in content["rows"]:
        cells = [_coloured(row[name]) for name in ("derivation", *LAYERS)]
        power = "" if row["power"] is None else f"{row['power']:.0%}"
        table.add_row(row["id"], row["kind"], *cells, str(len(row["checks"])), power)
    console.print(table)
    for study, reason in content["absent"].items():
        console.print(f"[yellow]left out[/] {study}: {reason}", highlight=False)
    for row in content["rows"]:
        for survivor in row["survivors"]:
            console.print(f"[yellow]survivor[/] {row['id']}: {survivor}", highlight=False)
    for judgement in judgements:
        if judgement.surprising:
            console.print(f"[red]surprise[/] {sentence(judgement)}", highlight=False)
    console.print(summary(judgements, powers), highlight=False)


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


def sentence(judgement: Judgement) -> str:
    """One judgement in words."""
    c = judgement.comparison
    low, high = judgement.interval
    place = ", ".join(
        f"{k} = {v:g}" if isinstance(v, float | int) else str(v) for k, v in judgement.row()["point"].items()
    )
    return (
        f"{c.check.claim} is {judgement.verdict}, expected {c.check.expected}, in {c.check.study} at {place}: "
        f"measured/predicted {c.ratio.value:.4g} in [{low:.4g}, {high:.4g}], margin {c.check.margin:g}"
    )


def summary(judgements: Sequence[Judgement], powers: Sequence[Power]) -> str:
    """The closing line."""
    surprises = sum(j.surprising for j in judgements)
    power = total_power(powers)
    tried = sum(p.tried for p in powers)
    verdicts = f"{len(judgements) - surprises} of {len(judgements)} verdicts as expected"
    return f"{verdicts}; power {power:.1%} of {tried} wrong variants refuted (bar {BAR:.0%})"


def _coloured(verdict: str) -> str:
    colour = COLOURS.get(verdict)
    if colour:
        return f"[{colour}]{verdict}[/]"
    return "[dim]–[/]" if verdict == "not applicable" else f"[dim]{verdict}[/]"

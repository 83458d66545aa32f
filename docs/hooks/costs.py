"""What instruments cost in gradients, from the committed benchmark, beside what was aimed at."""

from collections.abc import Mapping
from typing import Any

from tables import EXACT, table

NETWORKS = ("MLP, 10062 parameters, float64", "convnet, 175042 parameters, float32")
AIMS: dict[str, tuple[float | None, float | None]] = {
    "Hessian product, kept": (1.2, 1.6),
    "Hessian product, recomputed": (2.4, 3.2),
    "8 Hessian products in a block": (1.35 * 8, None),
    "noise product, kept": (1.1, 1.4),
    "noise product, recomputed": (2.4, 2.1),
    "top 10": (55, 65),
    "density, 80 steps, 5 probes": (620, None),
}
"""What each was to cost on the two networks, in full-data gradients; None where nothing was aimed at."""


def costs(bench: Mapping[str, Any]) -> str:
    """The table of costs: medians, with the 10th and 90th percentile, and aims; missed ones are marked."""
    found = {row["case"]: row for row in bench["rows"] if row["peer"] == "one gradient"}
    rows = []
    for quantity, aims in AIMS.items():
        cells = [_cells(found.get(f"{net}: {quantity}"), aim) for net, aim in zip(NETWORKS, aims, strict=True)]
        rows.append((quantity, *cells[0], *cells[1]))
    return table(("gradients for", "MLP, float64", "aim", "convnet, float32", "aim"), rows)


def _cells(row: Mapping[str, Any] | None, aim: float | None) -> tuple[str, str]:
    said = "" if aim is None else f"{aim:g}"
    if row is None:
        return "not measured", said
    median, low, high = (1 / row[name] for name in ("ratio", "high", "low"))
    missed = " (missed)" if aim is not None and median > aim else ""
    return f"{median:.3g} ({low:.3g} … {high:.3g})", said + missed


def traces(bench: Mapping[str, Any]) -> str:
    """Error of a trace that nine estimates in ten do not exceed, by its method."""
    rows = [row for row in bench["rows"] if row["peer"] == EXACT and "200 products" in row["case"]]
    return " and ".join(f"{row['high']:.1%} with {row['subject']}" for row in rows)


def workers(bench: Mapping[str, Any]) -> str:
    """What a second worker is worth, and what an empty task costs, beside what was aimed at; missed aims are marked."""
    return table(("what is run", "found", "aim"), map(_worked, bench["rows"]))


def _worked(row: Mapping[str, Any]) -> tuple[str, str, str]:
    if row["peer"] == "one worker":
        found = f"{row['subject']} are {row['ratio']:.2f} ({row['low']:.2f} … {row['high']:.2f}) times as fast as one"
        missed = " at best" if row["subject"] == "two runs apart" else " (missed)" * (row["ratio"] < row["bar"])
        return row["case"], found, f"{row['bar']:g}{missed}"
    return row["case"], row["subject"], row["peer"].removesuffix(" aimed at") + " (missed)" * (row["ratio"] < 1)

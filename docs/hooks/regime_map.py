"""Regime maps as pictures: measured over predicted in every cell, with contours at 5% and 20%."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from look import INK, PLAIN, svg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from tables import prose, table

from inertialab.theory import CLAIMS, claim
from inertialab.verification.docket.unmapped import NONE, ONE_GROUP

LEVELS = (0.0, 0.8, 0.95, 1.05, 1.2, 1e9)
SHADES = ("#7fa6d6", "#c6d9ef", "#f4f4f0", "#f6d9b8", "#e5a06a")
"""Far below, below, within 5%, above, far above; told apart by any eye, and dark letters are read on all."""
LETTERS = "#202020"
MAPPED = ("asymptotic", "attributed")
"""Kinds of claims that end somewhere."""
LOUD = 0.015
"""Standard errors beyond this part of a ratio stand in the cell: they blur a contour of 5%."""


def found(folder: Path) -> list[dict[str, Any]]:
    """The tables that a folder holds, in the order of their names."""
    return [{"file": f.stem, **json.loads(f.read_text())} for f in sorted(folder.glob("*.json"))]


def figure(made: Mapping[str, Any]) -> str:
    """One map as SVG: the ratio in each cell, heavy inside the claim's regime."""
    ratio, inside = np.array(made["ratio"]), np.array(made["inside"])
    rows, columns = ratio.shape
    with matplotlib.rc_context({"svg.hashsalt": made["file"], **PLAIN}):
        drawing = Figure(figsize=(1.6 + 0.75 * columns, 1.1 + 0.42 * rows))
        axes = drawing.add_axes((0.17, 0.2, 0.81, 0.76))
        norm = BoundaryNorm(LEVELS, len(SHADES))
        axes.imshow(ratio, cmap=ListedColormap(SHADES), norm=norm, origin="lower", aspect="auto")
        for level, look in ((0.95, "-"), (1.05, "-"), (0.8, "--"), (1.2, "--")):
            if ratio.min() < level < ratio.max():
                axes.contour(ratio, levels=[level], colors=INK, linestyles=look, linewidths=1)
        for i, j in np.ndindex(rows, columns):
            weight = "bold" if inside[i, j] else "normal"
            axes.text(j, i, _short(float(ratio[i, j])), color=LETTERS, ha="center", va="center", weight=weight)
            if (error := float(made["error"][i][j])) > LOUD * abs(ratio[i, j]):
                axes.text(j, i - 0.36, f"±{error:.2g}", color=LETTERS, ha="center", va="center", size=6)
        _ticks(axes, made)
        return svg(drawing)


def _short(ratio: float) -> str:
    return f"{ratio:.3f}" if abs(ratio) < 10 else f"{ratio:.0f}"


def _ticks(axes: Any, made: Mapping[str, Any]) -> None:
    across, up = made["across"], made["up"]
    axes.set_xticks(range(len(across["values"])), [f"{x:g}" for x in across["values"]])
    axes.set_yticks(range(len(up["values"])), [f"{x:g}" for x in up["values"]])
    axes.set(xlabel=across["name"], ylabel=up["name"])


def shown(made: Mapping[str, Any], up: str = "") -> str:
    """One map with its words.

    Args:
        made: The table.
        up: Way from the page to the root of the site.
    """
    ratio, inside = np.array(made["ratio"]), np.array(made["inside"])
    error = float(np.max(np.array(made["error"]) / np.abs(ratio)))
    alt = (
        f"Measured over predicted on a grid of {made['across']['name']} and {made['up']['name']}: "
        f"between {ratio.min():.3g} and {ratio.max():.3g}"
    )
    within = f"{int((np.abs(ratio - 1) <= 0.05).sum())} of {ratio.size} cells are within 5%"
    regime = ", none lies in the regime"
    if inside.any():
        worst = float(np.abs(ratio - 1)[inside].max())
        regime = f", {int(inside.sum())} (bold) lie in the regime as it is stated and differ by at most {worst:.1%}"
    noise = f" Standard errors are at most {error:.1%} of the ratio." if error else ""
    picture = f"![{alt}]({up}maps/{made['file']}.svg)"
    return f"{picture}\n\nBy {made['layer']}; {prose(made['fixed'])}. {within}{regime}.{noise}\n"


def of_claim(id: str, tables: Sequence[Mapping[str, Any]]) -> str:
    """The maps of a claim for its page; empty without any."""
    mine = [made for made in tables if made["claim"] == id]
    return "## Where it may be used\n\n" + "\n".join(shown(made, "../") for made in mine) if mine else ""


def page(tables: Sequence[Mapping[str, Any]]) -> str:
    """All maps, claim by claim."""
    parts = [
        "# Regime maps\n\nA claim is judged inside its regime. A map shows the same law over the two groups that "
        "decide whether it holds, far beyond: each cell is measured over predicted, with contours at 5% (full) and 20% "
        "(broken). Nothing is judged here. `python -m inertialab.verification maps --out results` makes them again.\n"
    ]
    parts.append(_which({made["claim"] for made in tables}))
    for id in dict.fromkeys(made["claim"] for made in tables):
        title = prose(claim(id).title.rstrip("."))
        parts.append(f"## {title} {{#{anchor(id)}}}\n\n[`{id}`](claims/{id}.md)\n")
        parts += [shown(made) for made in tables if made["claim"] == id]
    return "\n".join(parts)


def _which(drawn: set[str]) -> str:
    """Every asymptotic or attributed claim: whether it has a map, hangs on one group, or has none and why."""
    rows = [(f"[`{c.id}`](claims/{c.id}.md)", _told(c.id, drawn)) for c in CLAIMS if c.kind in MAPPED]
    return f"{table(('claim', 'map'), rows)}\n"


def _told(id: str, drawn: set[str]) -> str:
    if id in drawn:
        return f"[over two groups](#{anchor(id)})"
    if id in ONE_GROUP:
        return f"one group, {prose(ONE_GROUP[id])}: [its figure](claims/{id}.md)"
    return prose(f"none: {NONE[id]}") if id in NONE else "not measured yet"


def anchor(id: str) -> str:
    """Where a claim's maps begin on the page."""
    return f"map-{id.replace('.', '-')}"

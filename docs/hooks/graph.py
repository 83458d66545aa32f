"""The graph of the claims: what each derivation rests on, and which formula is true in the place of which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import matplotlib
import networkx as nx
from look import INK, PLAIN, svg
from matplotlib.figure import Figure

from inertialab.theory import CLAIMS
from inertialab.theory.claims import subject_of
from inertialab.verification.court.board import COLUMNS
from inertialab.verification.court.report import MARKS

GROUND = "#fefefe"
"""Behind the names, over the lines that pass; the page's own in the end."""
SWEEPS = 12
"""Of the rule that puts each claim at the mean height of those it is tied to, to and fro."""
WIDE, HIGH = 3.1, 0.2
"""Inches for a column and for a line."""
COLOURS = {"good": "#1e6b24", "bad": "#b3201f", "open": "#8a5200", "none": "#5f6368"}
"""Drawn in these, and shown in the colours of the page's scheme, which site.css gives."""


def tied() -> nx.DiGraph:
    """Every claim that another rests on, that rests on another, or that stands beside a correction; acyclic."""
    graph = nx.DiGraph()
    graph.add_edges_from((used, claim.id) for claim in CLAIMS for used in claim.uses)
    for claim in CLAIMS:
        if claim.corrected_by:
            graph.add_nodes_from((claim.corrected_by, claim.id))
    return graph


def corrections() -> list[tuple[str, str]]:
    """What is true, and the formula in whose place it is."""
    return [(claim.corrected_by, claim.id) for claim in CLAIMS if claim.corrected_by]


def places(graph: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Column by the longest way from a claim that rests on none, height by subject and neighbours.

    The rule is that of Sugiyama's layered drawings: heights are ordered by the mean of the neighbours', to and fro.
    """
    order = {claim.id: i for i, claim in enumerate(CLAIMS)}
    both = nx.Graph(graph)
    both.add_edges_from(corrections())
    columns = [sorted(column, key=order.__getitem__) for column in nx.topological_generations(graph)]
    height = {id: float(i - len(column) / 2) for column in columns for i, id in enumerate(column)}
    for _ in range(SWEEPS):
        for column in columns:
            wanted = {id: _middle(both, id, height) for id in column}
            column.sort(key=lambda id: (wanted[id], order[id]))
            height |= {id: float(i - len(column) / 2) for i, id in enumerate(column)}
    return {id: (float(x), height[id]) for x, column in enumerate(columns) for id in column}


def _middle(graph: nx.Graph, id: str, height: Mapping[str, float]) -> float:
    near = [height[other] for other in graph[id]]
    return sum(near) / len(near) if near else height[id]


def figure(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The graph as inline SVG, every name a link to its claim.

    Args:
        rows: Rows of the board by claim.
    """
    graph = tied()
    where = places(graph)
    heights = [y for _, y in where.values()]
    size = WIDE * (1 + max(x for x, _ in where.values())), HIGH * (max(heights) - min(heights) + 3)
    with matplotlib.rc_context({"svg.hashsalt": "graph", **PLAIN}):
        drawing = Figure(figsize=size)
        axes = drawing.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for pairs, look in ((graph.edges, "-"), (corrections(), "--")):
            for one, other in pairs:
                _line(axes, where[one], where[other], look)
        for id, (x, y) in where.items():
            sign, colour = _verdict(rows.get(id))
            ground = {"facecolor": GROUND, "edgecolor": "none", "pad": 0.8}
            label = axes.text(x, y, f"{sign} {id}", color=colour, fontsize=7.5, va="center", bbox=ground)
            label.set_url(f"claims/{id}.html")
        axes.set(xlim=(-0.03, max(x for x, _ in where.values()) + 0.9), ylim=(max(heights) + 1.5, min(heights) - 1.5))
        return _inline(svg(drawing), len(where))


def _line(axes: Any, one: tuple[float, float], other: tuple[float, float], look: str) -> None:
    """From the end of one name to the beginning of the other; between names of one column at their left."""
    begin, end = sorted((one, other))
    start = begin[0] + (0.62 if begin[0] < end[0] else -0.02)
    axes.plot([start, end[0] - 0.02], [begin[1], end[1]], look, color=INK, lw=0.6, alpha=0.55, zorder=0)


def _verdict(row: Mapping[str, Any] | None) -> tuple[str, str]:
    """A sign and a colour: the worst word of any court."""
    words = [row[layer] for layer in COLUMNS] if row else []
    if any(word in ("contradicts", "refuted") for word in words):
        return MARKS["refuted"][0], COLOURS["bad"]
    if "undecided" in words:
        return MARKS["undecided"][0], COLOURS["open"]
    if any(word in ("proven", "confirmed") for word in words):
        return MARKS["confirmed"][0], COLOURS["good"]
    return MARKS["not measured"][0], COLOURS["none"]


def _inline(svg: str, count: int) -> str:
    """The drawing as an element of the page, named for those who do not see it."""
    body = re.sub(r"^.*?(?=<svg)", "", svg, flags=re.S)
    body = body.replace(f"fill: {GROUND}", "fill: var(--md-default-bg-color)")
    for name, colour in COLOURS.items():
        body = body.replace(f"fill: {colour}", f"fill: var(--graph-{name})")
    label = f"Graph of {count} claims: lines lead from what a derivation rests on to what rests on it"
    body = body.replace("<svg ", f'<svg role="group" aria-label="{label}" ', 1)
    lines = "\n".join(line for line in body.splitlines() if line)
    return f'<div class="graph">{lines}</div>\n'


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The graph with words about how to read it."""
    subjects = len({subject_of(claim.id) for claim in CLAIMS})
    graph = tied()
    alone = [claim.id for claim in CLAIMS if claim.id not in graph]
    apart = ", ".join(f"[`{id}`](claims/{id}.md)" for id in alone)
    return (
        "---\nhide: [toc]\n---\n\n# Graph of the claims\n\n"
        f"{len(CLAIMS)} claims of {subjects} subjects. A full line leads from a claim to those derived from it; a "
        "broken one ties a published formula to what is true in its place. ✓ follows or confirmed, ✗ contradicted or "
        "refuted in some court, ? undecided, · not measured. Every name is a link.\n\n"
        f"{figure(rows)}\n" + (f"Tied to no other: {apart}.\n" if alone else "")
    )

"""The verdict board as a picture: a column of four cells for each claim, by subject; SVG for light and dark pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any

from inertialab.verification.court.board import COLUMNS
from inertialab.verification.court.report import MARKS

CELL, STEP, ACROSS, LEFT = 12, 14, 48, 184
"""Height of a cell, distance of two claims, claims in a line, width of the headings; pixels."""
TALL = 4 * CELL + 8
"""Height of a line of claims."""
COLOURS = {"green": "good", "red": "bad", "yellow": "open", "cyan": "open", "dim": "none"}
STYLE = (
    "text{font:10px sans-serif;fill:#57606a}.c{font-weight:700;text-anchor:middle;fill:#1b1b1b}"
    ".good{fill:#8fd694}.bad{fill:#f4a3a3}.open{fill:#f0c987}.none{fill:#dfe1e5}"
    "@media(prefers-color-scheme:dark){text{fill:#9aa4ae}.c{fill:#1b1b1b}}"
)
LEGEND = (
    "Each column is a claim: derivation, exact numerics, simulation, real training.",
    "✓ proven or confirmed   ≈ checked numerically in a step   a assumed in a step   ✗ contradicts or refuted   "
    "? undecided   w weak   · not measured",
)


def picture(content: Mapping[str, Any], subject_of: Callable[[str], str]) -> str:
    """The board as SVG text, the same bytes for the same board.

    Args:
        content: A board.
        subject_of: Gives the heading under which a claim stands.
    """
    parts, top = [], 4
    for subject, rows in groupby(content["rows"], key=lambda row: subject_of(row["id"])):
        claims = list(rows)
        parts.append(f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(subject)}</text>')
        for place, row in enumerate(claims):
            line, column = divmod(place, ACROSS)
            parts += _column(row, LEFT + STEP * column, top + TALL * line)
        top += TALL * -(-len(claims) // ACROSS)
    parts += [f'<text x="{LEFT}" y="{top + 12 + 14 * k}">{line}</text>' for k, line in enumerate(LEGEND)]
    wide, high = LEFT + STEP * ACROSS + 4, top + 14 * len(LEGEND) + 8
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    told = f"<title>The verdicts on {len(content['rows'])} claims</title><style>{STYLE}</style>"
    return "\n".join([head, told, *parts, "</svg>", ""])


def cell(row: Mapping[str, Any], layer: str) -> tuple[str, str]:
    """Sign of a layer's verdict, and the kind of its colour: good, bad, open or none.

    >>> cell({"real": "confirmed", "weak": ["real"]}, "real")
    ('w', 'open')
    """
    sign, colour = MARKS["weak" if layer in row.get("weak", ()) else row[layer]]
    return sign.strip(), COLOURS[colour]


def _column(row: Mapping[str, Any], x: int, y: int) -> Iterator[str]:
    yield f"<g><title>{escape(row['id'])}</title>"
    for k, layer in enumerate(COLUMNS):
        if row[layer] == "not applicable":
            continue
        sign, shade = cell(row, layer)
        yield f'<rect class="{shade}" x="{x}" y="{y + CELL * k}" width="{CELL}" height="{CELL - 1}"/>'
        yield f'<text class="c" x="{x + CELL // 2}" y="{y + CELL * k + 9}">{sign}</text>'
    yield "</g>"

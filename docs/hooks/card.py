"""The picture that is shown where a link to the site is shared: the board at a glance, from the committed results."""

import io
from collections.abc import Mapping
from typing import Any

from board import by_subject
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from inertialab.verification.court.board import COLUMNS
from inertialab.verification.court.picture import cell

SHADES = {"good": "#8fd694", "bad": "#f4a3a3", "open": "#f0c987", "none": "#4a4f57"}
GROUND, INK = "#1e2129", "#f2f2f2"
PIXELS = (1200, 630)
LINES = 3
"""Lines of claims; the card is no table to be read, but shows how much was asked and what became of it."""


def card(board: Mapping[str, Any]) -> bytes:
    """A PNG, the same bytes for the same board."""
    rows = [row for _, rows in by_subject(board["rows"]) for row in rows]
    with rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(PIXELS[0] / 100, PIXELS[1] / 100), dpi=100, facecolor=GROUND)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, PIXELS[0]), ylim=(PIXELS[1], 0))
        axes.axis("off")
        axes.text(60, 105, "inertialab", color=INK, size=46, weight="bold")
        axes.text(60, 165, "The theory of optimizer dynamics, derived and measured.", color=INK, size=21)
        across = -(-len(rows) // LINES)
        pitch = (PIXELS[0] - 120) / across
        for n, row in enumerate(rows):
            for m, layer in enumerate(COLUMNS):
                x, y = 60 + n % across * pitch, 225 + n // across * 105 + m * 22
                axes.add_patch(Rectangle((x, y), pitch - 4, 18, color=SHADES[cell(row, layer)[1]], linewidth=0))
        judged = sum(len(row["checks"]) for row in rows)
        told = f"{len(rows)} claims, {judged} measurements judged, each by a margin stated beforehand"
        axes.text(60, 590, told, color=INK, size=17)
        out = io.BytesIO()
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()

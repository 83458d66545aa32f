"""How figures of the site look, and how they become SVG."""

import io
from typing import Any

from matplotlib.figure import Figure

from inertialab.experiments.picture import STYLE

INK = "#808080"
"""Of axes and words in figures, readable on light and on dark pages; figures have no ground of their own."""
PLAIN: Any = {
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color"), INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "svg.fonttype": "none",
    "font.size": 9,
}
"""For figures of the claims, each with a hash salt of its own."""
OF_RECORDS: Any = {**STYLE, **PLAIN}
"""For figures of the experiments' records, on the style of their own pictures."""


def svg(drawing: Figure) -> str:
    """A figure without ground or date, the same bytes each time; inside the style's context, which it depends on."""
    out = io.StringIO()
    drawing.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    return out.getvalue()

"""The picture of a claim: measured against predicted, and their ratio over the physical variable that governs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from governing import governing, outside
from look import INK, PLAIN, svg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from tables import ratio

from inertialab.theory import claim

COLOURS = {"numerics": "#8c6bb1", "simulation": "#3b82c4", "real": "#e07b00"}
OTHERS = (("#c2477f", "--"), ("#4d9221", ":"), ("#888888", "-."), ("#d98c00", "--"), ("#6a51a3", ":"))
"""How rivals are drawn, the first first; as many as a claim has at the most."""
FAR = 3.0
"""Heights of what was measured, above and below it, within which a rival is drawn; one beyond is named."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
QUICK: Any = {"axes.titley": 1.0}
"""A title's place is given: to find it, matplotlib would lay out all marks once more."""


def figure(row: Mapping[str, Any]) -> str:
    """Measured against predicted, and their ratio with intervals, margins, rivals and the end of the regime, as SVG."""
    with matplotlib.rc_context({"svg.hashsalt": row["id"], **PLAIN, **QUICK}):
        drawing = Figure(figsize=(9, 3.6))
        # Given by hand: finding the margins takes as long as drawing.
        room = {"left": 0.08, "right": 0.99, "bottom": 0.14, "top": 0.91, "wspace": 0.25}
        against, ratios = drawing.subplots(1, 2, width_ratios=(1, 1.6), gridspec_kw=room)
        name, where = governing(row["checks"], claim(row["id"]))
        for layer, colour in COLOURS.items():
            points = [(x, c) for x, c in zip(where, row["checks"], strict=True) if c["layer"] == layer]
            _scatter(against, ratios, points, layer, colour)
        _finish(against, ratios, row["checks"], name, where)
        _regime(ratios, row["id"], name)
        _rivals(ratios, row["checks"], where)
        ratios.legend(fontsize=8, frameon=False)
        return svg(drawing)


KINDS = (
    ("", "o", lambda c: c["in_regime"] and not c["instead"]),
    (", outside the regime", "x", lambda c: not c["in_regime"] and not c["instead"]),
    (", what holds instead", "D", lambda c: bool(c["instead"])),
)


def _scatter(against: Any, ratios: Any, points: list[tuple[float, Mapping[str, Any]]], layer: str, colour: str) -> None:
    for suffix, marker, meant in KINDS:
        mine = [(x, c) for x, c in points if meant(c)]
        if not mine:
            continue
        look: dict[str, Any] = {"color": colour, "ms": 4, "mfc": "none" if marker == "D" else colour}
        predicted, seen = ([abs(c[which]) for _, c in mine] for which in ("predicted", "measured"))
        against.plot(predicted, seen, marker, **look)
        half = [(c["high"] - c["low"]) / 2 / abs(c["scale"]) for _, c in mine]
        middle = [ratio(c) for _, c in mine]
        ratios.errorbar([x for x, _ in mine], middle, half, fmt=marker, capsize=2, label=layer + suffix, **look)


def _finish(against: Any, ratios: Any, checks: Sequence[Mapping[str, Any]], name: str, where: list[float]) -> None:
    # A law that says zero has no place on a logarithmic axis.
    scale = "log" if all(check["predicted"] and check["measured"] for check in checks) else "linear"
    against.set(xscale=scale, yscale=scale, xlabel="predicted", ylabel="measured", title="measured against predicted")
    low, high = against.get_xlim()
    against.plot([low, high], [low, high], color=INK, lw=0.8, zorder=0)
    ratios.axhline(1, color=INK, lw=0.8, alpha=0.6, zorder=0)
    for margin in sorted({check["margin"] for check in checks if not check["instead"]}):
        ratios.axhspan(1 - margin, 1 + margin, color=INK, alpha=0.1, lw=0, zorder=0)
    low, high = np.nanmin(where), np.nanmax(where)
    wide = low > 0 and high > 20 * low
    lacking = int(sum(np.isnan(where)))
    over = name + (f" ({lacking} points without it stand on the left alone)" if lacking else "")
    title = "ratio and interval; bands are the margins"
    ratios.set(xscale="log" if wide else "linear", xlabel=over, ylabel="measured / predicted", title=title)
    for axis in (against.xaxis, against.yaxis, ratios.xaxis):
        if axis.get_scale() == "log":
            _powers(axis)


def _regime(ratios: Any, id: str, name: str) -> None:
    """Shade where the claim's own conditions on the variable do not hold."""
    low, high = ratios.get_xlim()
    ratios.set_xlim(low, high)
    for n, (start, end) in enumerate(outside(claim(id), name, low, high, log=ratios.get_xscale() == "log")):
        label = "outside the regime" if not n else None
        ratios.axvspan(start, end, color="#d4b106", alpha=0.15, lw=0, zorder=0, label=label)


def _rivals(ratios: Any, checks: Sequence[Mapping[str, Any]], where: list[float]) -> None:
    """What others say at the same points: a line, or dashes where it hangs on more than the variable."""
    low, high = ratios.get_ylim()
    room = FAR * (high - low)
    seen = [low, high]
    told = dict.fromkeys(name for check in checks for name in check.get("rivals", {}))
    for (colour, dashes), name in zip(OTHERS[: len(told)], told, strict=True):
        at = [(x, 1 + (c["rivals"][name] - c["predicted"]) / c["scale"]) for x, c in _with(checks, where, name)]
        near = [(x, y) for x, y in sorted(at) if low - room <= y <= high + room]
        line = len({float(f"{x:.3g}") for x, _ in near}) == len(at) > 1
        look: dict[str, Any] = {"ls": dashes, "lw": 1.2} if line else {"ls": "", "marker": "_", "ms": 8}
        label = name + _beyond([y for pair in at if pair not in near for y in pair[1:]], len(at))
        ratios.plot([x for x, _ in near], [y for _, y in near], color=colour, label=label, zorder=1, **look)
        seen += [y for _, y in near]
    pad = 0.03 * (max(seen) - min(seen)) if max(seen) > high or min(seen) < low else 0.0
    ratios.set_ylim(min(seen) - pad, max(seen) + pad)


def _beyond(far: Sequence[float], n: int) -> str:
    """What a rival says where the picture ends before it.

    >>> _beyond([0.5, 0.25], 12)
    ' (2 of 12 beyond: 0.25 … 0.5)'
    """
    low, high = (f"{made(far, default=0.0):.2g}" for made in (min, max))
    return f" ({len(far)} of {n} beyond: {low}{'' if low == high else ' … ' + high})" if far else ""


def _with(checks: Sequence[Mapping[str, Any]], where: list[float], name: str) -> list[tuple[float, Mapping[str, Any]]]:
    pairs = zip(where, checks, strict=True)
    return [(x, c) for x, c in pairs if name in c.get("rivals", {}) and np.isfinite(x)]


def _powers(axis: Any) -> None:
    """Marks of a logarithmic axis: a few powers of ten, in plain letters; even steps where no decade is crossed.

    A mark costs milliseconds and a formula tens of them, so there are no minor marks and no formulas.
    """
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(numticks=6) if high > 20 * low else MaxNLocator(4))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: power(x)))


def power(value: float) -> str:
    """A mark of a logarithmic axis.

    >>> power(1e-5), power(100.0), power(0.25)
    ('10⁻⁵', '100', '0.25')
    """
    exponent = f"{value:.0e}".partition("e")[2]
    whole = value > 0 and np.isclose(value, float(f"1e{exponent}"), rtol=1e-9, atol=0)
    return f"10{str(int(exponent)).translate(RAISED)}" if whole and abs(int(exponent)) > 2 else f"{value:g}"

"""The picture of a claim: measured against predicted, and their ratio over the physical variable that governs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from look import INK, PLAIN, svg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from tables import ratio

COLOURS = {"numerics": "#8c6bb1", "simulation": "#3b82c4", "real": "#e07b00"}
GROUPS: dict[str, tuple[str, ...]] = {
    "η h": ("eta", "h"),
    "η λ₁": ("eta", "lambda1"),
    "T η |h|": ("T", "eta", "h"),
    "D / barrier": ("D", "dL"),
    "barrier": ("barrier",),
    "1 - β₂": ("beta2",),
    "β": ("beta",),
}
"""Groups that govern laws, by the conditions they are made of; the product of these where nothing else is said."""
MADE: Mapping[str, Any] = {
    "T η |h|": lambda T, eta, h: T * eta * abs(h),
    "D / barrier": lambda D, dL: D / dL,
    "1 - β₂": lambda beta2: 1 - beta2,
}
NAMES = {"eta": "η", "beta": "β", "beta2": "β₂", "kappa": "κ", "lam": "λ", "gamma": "γ", "alpha": "α"}
FEWEST = 3
"""Different values of a variable that a picture is drawn over."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
QUICK: Any = {"axes.titley": 1.0}
"""A title's place is given: to find it, matplotlib would lay out all marks once more."""


def governing(checks: Sequence[Mapping[str, Any]]) -> tuple[str, list[float]]:
    """The variable that a claim's points are drawn over, and its value at each.

    A group of `GROUPS`, else the argument that varies the most, else what is predicted. Points inside the regime
    decide; one outside that does not have it is nowhere.

    Args:
        checks: Rows of the board.
    """
    points = [check["point"] for check in checks]
    inside = [check["point"] for check in checks if check.get("in_regime", True)] or points
    for name, needed in GROUPS.items():
        if all(_has(p, needed) for p in inside):
            made = MADE.get(name, lambda *x: float(np.prod(x)))
            found = [float(made(*(p[n] for n in needed))) if _has(p, needed) else np.nan for p in points]
            if _varied(found):
                return name, found
    common = [n for n in inside[0] if all(_number(p.get(n)) for p in inside) and n not in ("direction", "n")]
    values = {n: [float(p[n]) if _number(p.get(n)) else np.nan for p in points] for n in common}
    varied = {n: len(set(x)) for n, x in values.items() if _varied(x)}
    if varied:
        best: str = max(varied, key=varied.__getitem__)
        return NAMES.get(best, best), values[best]
    return "predicted", [abs(check["predicted"]) for check in checks]


def _has(point: Mapping[str, Any], needed: Sequence[str]) -> bool:
    return all(isinstance(point.get(name), int | float) for name in needed)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _varied(values: Sequence[float]) -> bool:
    return len({float(f"{x:.3g}") for x in values if np.isfinite(x)}) >= FEWEST


def figure(row: Mapping[str, Any]) -> str:
    """Measured against predicted, and their ratio with intervals and margins, as SVG."""
    with matplotlib.rc_context({"svg.hashsalt": row["id"], **PLAIN, **QUICK}):
        drawing = Figure(figsize=(9, 3.6))
        # Given by hand: finding the margins takes as long as drawing.
        room = {"left": 0.08, "right": 0.99, "bottom": 0.14, "top": 0.91, "wspace": 0.25}
        against, ratios = drawing.subplots(1, 2, width_ratios=(1, 1.6), gridspec_kw=room)
        name, where = governing(row["checks"])
        for layer, colour in COLOURS.items():
            points = [(x, c) for x, c in zip(where, row["checks"], strict=True) if c["layer"] == layer]
            _scatter(against, ratios, points, layer, colour)
        _finish(against, ratios, row["checks"], name, where)
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
    title = "ratio and interval; bands are the margins"
    ratios.set(xscale="log" if wide else "linear", xlabel=name, ylabel="measured / predicted", title=title)
    ratios.legend(fontsize=8, frameon=False)
    for axis in (against.xaxis, against.yaxis, ratios.xaxis):
        if axis.get_scale() == "log":
            _powers(axis)


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

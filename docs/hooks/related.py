"""RAdam, AdaShift and CProp on their pages: tables and figures from the committed records, beside the claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import compared
import numpy as np
from look import OF_RECORDS, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from tables import table

from inertialab.theory import claim as named

Row = Mapping[str, Any]
Evidence = Mapping[str, Any]


def measurements(evidence: Evidence, study: str, *quantities: str) -> list[Row]:
    """What a study found of some quantities; nothing where there is no record of it."""
    rows = evidence[study]["result"]["measurements"] if study in evidence else []
    return [row for row in rows if row["quantity"] in quantities]


def predicted(id: str, row: Row) -> float:
    """The claim's number at the conditions of a measurement."""
    subject = named(id)
    return float(subject.evaluate(**{str(s): row["point"][str(s)] for s in subject.arguments}))


def interval(row: Row) -> str:
    """A measured number with twice its standard error, where it has one."""
    value, error = row["estimate"]["value"], row["estimate"]["se"]
    return f"{value:.4g} ± {2 * error:.1g}" if error else f"{value:.4g}"


def _told(evidence: Evidence, study: str, header: Sequence[str], rows: list[tuple[str, ...]]) -> str:
    """A table with the commit of its record, or a sentence that there is none."""
    if not rows:
        return f"*No record of `{study}` is committed: run `python -m inertialab.verification --out results`.*\n"
    return f"{table(header, rows)}\n*Commit `{evidence[study]['commit'][:10]}`.*\n"


def rectified(evidence: Evidence) -> str:
    """Variance after RAdam's rectification, over the late one."""
    rows = [
        (
            f"{row['point']['beta2']:g}",
            f"{row['point']['T']}",
            interval(row),
            f"{predicted('radam.rectified-variance', row):.4g}",
            "1",
        )
        for row in sorted(measurements(evidence, "radam-rectified", "ratio"), key=lambda row: row["point"]["T"])
    ]
    return _told(evidence, "radam-rectified", (r"\(\beta_2\)", "steps", "exact", "derived", "published"), rows)


def lags(evidence: Evidence) -> str:
    """Way down over a period by lag: the sign table."""
    rows = []
    for row in measurements(evidence, "adashift-periods", "way"):
        point, way = row["point"], row["estimate"]["value"]
        mean = (point["rare"] - point["d"] + 1) / point["d"]
        name = "Adam" if point["optimizer"] == "adam" else f"AdaShift, lag {point['lag']}"
        right = "right" if way * mean > 0 else "**wrong**"
        settings = (f"{point['rare']:g}", f"{point['d']}", f"{point['beta2']:g}", f"{mean:+.3g}")
        rows.append((*settings, name, f"{way:+.4g}", right))
    header = (r"\(G\)", r"\(d\)", r"\(\beta_2\)", "mean gradient", "optimizer", "way down over a period", "direction")
    return _told(evidence, "adashift-periods", header, rows)


def orders(evidence: Evidence) -> str:
    """Which gradient of a period makes the shortest and the longest way for its size."""
    periods = dict[tuple[Any, ...], dict[int, float]]()
    for row in measurements(evidence, "adashift-orders", "factor"):
        point = row["point"]
        lag = point["lag"] if point["optimizer"] == "adashift" else 0
        setting = (*(point[name] for name in ("rare", "d", "beta", "beta2")), lag)
        periods.setdefault(setting, {})[(point["age"] + lag) % point["d"]] = row["estimate"]["value"]
    rows = []
    for (rare, d, beta, beta2, lag), ways in periods.items():
        name = f"AdaShift, lag {lag}" if lag else "Adam"
        ends = (
            f"{ways[place]:.3g}, {_place(place)}"
            for place in (min(ways, key=ways.__getitem__), max(ways, key=ways.__getitem__))
        )
        rows.append((f"{rare:g}", f"{d}", f"{beta:g}", f"{beta2:g}", name, *ends))
    header = (r"\(G\)", r"\(d\)", r"\(\beta_1\)", r"\(\beta_2\)", "optimizer", "shortest way", "longest way")
    return _told(evidence, "adashift-orders", header, rows)


def _place(place: int) -> str:
    return f"{place} steps later" if place > 1 else ("one step later" if place else "the rare gradient")


def critical(evidence: Evidence) -> str:
    """Size of the rare gradient at which Adam turns."""
    rows = [
        (
            *(f"{row['point'][name]:.4g}" for name in ("mu", "beta")),
            f"{row['point']['beta2']:.6g}",
            interval(row),
            f"{predicted('adashift.critical', row):.4g}",
        )
        for row in measurements(evidence, "adam-critical", "critical")
    ]
    header = ("mean gradient", r"\(\beta_1\)", r"\(\beta_2\)", "sign change, found", "derived")
    return _told(evidence, "adam-critical", header, rows)


def heats(evidence: Evidence) -> str:
    """Variance over that of SGD, on slow directions and on fast ones."""
    slow = [
        _heat(row, "cprop.temperature" if row["quantity"] == "heat" else "")
        for row in measurements(evidence, "cprop-heat", "heat", "fast")
    ]
    fast = [_heat(row, "cprop.fast-temperature") for row in measurements(evidence, "cprop-fast", "fast")]
    header = (r"\(c\)", r"\(\eta h/(1-\beta)\)", "variance over SGD's", "derived")
    told = [
        _told(evidence, study, header, part) for study, part in (("cprop-heat", slow), ("cprop-fast", fast)) if part
    ]
    return "\n".join(told) or _told(evidence, "cprop-heat", header, [])


def _heat(row: Row, id: str) -> tuple[str, ...]:
    """A line of the table of temperatures; no claim without an id."""
    point = row["point"]
    share = point["eta"] * point["h"] / (1 - point["beta"])
    return f"{point['c']:g}", f"{share:.2g}", interval(row), f"{predicted(id, row):.4g}" if id else "no claim"


PLACES: dict[str, Callable[[Evidence], str]] = {
    "related-rectified": rectified,
    "related-lags": lags,
    "related-orders": orders,
    "related-critical": critical,
    "related-heats": heats,
    **{f"related-{what}": partial(compared.shown, what) for what in compared.EXPERIMENTS},
}
"""What stands for a table on a page."""


def updates(evidence: Evidence) -> str:
    """Mean size of Adam's first steps: measured points on the claim's curves; an SVG."""
    found = measurements(evidence, "radam-update-run", "size")
    return _figure(found, "radam.mean-update", ("beta", "beta2"), "mean |update| / η", "Adam under pure noise")


def floors(evidence: Evidence) -> str:
    """CProp's scale under noise: measured points on the claim's curves; an SVG."""
    found = measurements(evidence, "cprop-floor", "scale")
    return _figure(found, "cprop.noise-floor", ("beta",), "mean scale", "CProp under pure noise, c = 1")


def _figure(rows: Sequence[Row], id: str, names: Sequence[str], measured: str, title: str) -> str:
    with rc_context(OF_RECORDS):
        drawn = Figure(figsize=(5, 3.2), layout="constrained")
        axes = drawn.subplots()
        _curves(axes, rows, id, names)
        axes.set(xlabel="step", ylabel=measured, xscale="log", title=title)
        return svg(drawn)


def _curves(axes: Any, rows: Sequence[Row], id: str, names: Sequence[str]) -> None:
    """Points with their errors and the claim's curve, one colour for each setting."""
    steps = sorted({row["point"]["T"] for row in rows})
    for setting in dict.fromkeys(tuple(row["point"][n] for n in names) for row in rows):
        mine = [row for row in rows if tuple(row["point"][n] for n in names) == setting]
        given = dict(zip(names, setting, strict=True))
        label = ", ".join(f"{n} = {x:g}" for n, x in given.items())
        values, errors = ([row["estimate"][key] for row in mine] for key in ("value", "se"))
        times = [row["point"]["T"] for row in mine]
        points = axes.errorbar(times, values, 2 * np.array(errors), fmt="o", ms=4, label=label)
        fine = np.unique(np.geomspace(min(steps), max(steps), 60).astype(int))
        axes.plot(fine, [named(id).evaluate(**given, T=int(t)) for t in fine], color=points[0].get_color(), lw=1)
    if rows:
        axes.legend(frameon=False, fontsize="small")

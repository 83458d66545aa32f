"""What the word arbal does: errors against labels, kept and drawn; or questions to a person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as Shown
from scipy import stats

from inertialab.experiments import picture, sources, store
from inertialab.experiments.answers import require_writable
from inertialab.experiments.arbal import curve, grouped, person, sets
from inertialab.experiments.arbal.options import Arbal
from inertialab.experiments.data import DATASETS

SETTINGS = ("regions", "gain", "split_slack", "cuts", "delta")
REFERENCE = "IWAL"
SHOWN_AT = (100, 200, 400, 800)


def carried_out(options: Arbal, console: Console) -> int:
    """Measure, or take the record; or ask a person. Returns the exit code.

    Raises:
        WrongInputError: If the table or an option cannot be followed.
        DataMissingError: If a data set is not there.
    """
    require_writable(options.out)
    if options.ask:
        return person.asked(options, console)
    X, y, about = read(options)
    groups = grouped.from_file(options.data, options.group) if options.data and options.group else None
    key = {
        "command": "arbal",
        **about,
        **{name: getattr(options, name) for name in (*SETTINGS, "shuffles", "seed")},
        "columns": list(options.columns),
        **_of_groups(groups),
        "digest": hashlib.sha256(np.ascontiguousarray(np.column_stack([X, y])).tobytes()).hexdigest()[:16],
        "code": sources.digest(
            "inertialab.experiments.arbal.grouped" if groups else "inertialab.experiments.arbal.curve"
        ),
    }
    path = options.out / f"{about['name']}.json"
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(about["name"], total=5 * options.shuffles)
        record = store.record(path, key, lambda: measured(X, y, options, lambda: progress.advance(bar), groups))
    console.print(table(record["result"]))
    console.print(told(record["result"]), highlight=False)
    if groups:
        console.print(table_by_group(record["result"]))
    draw(record["result"], path.with_suffix(".svg"))
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    console.print(f"Picture {path.with_suffix('.svg')}", highlight=False, soft_wrap=True)
    return 0


def _of_groups(groups: grouped.Groups | None) -> dict[str, str]:
    """What a record's key says of them; nothing without any, so that older records stay what they are."""
    return (
        {"group": groups.column, "members": hashlib.sha256(groups.codes.tobytes()).hexdigest()[:16]} if groups else {}
    )


def read(options: Arbal) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Features, labels 0 or 1, and what they are called."""
    if options.data is None:
        row = sets.SETS[options.set]
        X, y = row.read()
        return X, y, {"name": options.set, "title": row.title, "licence": _licence(options.set)}
    (X, y), classes = sets.from_file(options.data, options.target, options.columns, options.group)
    title = f"{classes[0]} and {classes[1]}"
    return X, y, {"name": options.data.stem, "title": title, "licence": ""}


def _licence(name: str) -> str:
    """Under which a set may be used; all of them are of UCI."""
    base = "digits" if name.startswith("digits") else name
    return DATASETS[base].licence if base in DATASETS else "CC BY 4.0"


def measured(
    X: np.ndarray, y: np.ndarray, options: Arbal, tick: Any, groups: grouped.Groups | None = None
) -> dict[str, Any]:
    """Errors of every way of asking on every shuffle; with groups, those of each as well.

    Raises:
        WrongInputError: If a group is too small to be tested on.
    """
    rows = min(len(y) // 2, 4000)
    budgets = curve.budgets_of(rows)
    seeds = range(options.seed, options.seed + options.shuffles)
    streams = [sets.shuffled(X, y, seed) for seed in seeds]
    account = grouped.Account(groups, streams) if groups else None
    errors: dict[str, list[list[float]]] = {}
    ends: list[dict[str, Any]] = []
    for seed, stream in zip(seeds, streams, strict=True):
        for name, way in _ways(options, stream, budgets, seed).items():
            score = grouped.Tally(groups, stream) if groups else curve.error
            found, end = way(score)
            errors.setdefault(name, []).append(found)
            asked = end.pop("asked", None)
            if end:
                ends.append({"method": name, "seed": seed, **end})
            if account and isinstance(score, grouped.Tally):
                account.add(name, score.curve(budgets), asked and stream.rows[asked])
            tick()
    return {
        "rows": len(y),
        "features": X.shape[1],
        "streamed": rows,
        "budgets": budgets,
        "errors": errors,
        "ends": ends,
        **({"by_group": account.result()} if account else {}),
    }


def _ways(options: Arbal, stream: sets.Stream, budgets: list[int], seed: int) -> dict[str, Callable[..., Any]]:
    """Ways of asking by name: each takes a score, and gives errors and, of ours, what they came to."""
    settings = {name: asdict(options)[name] for name in SETTINGS} | {"refit": True}

    def ours(regions: int) -> Callable[..., Any]:
        return lambda score: curve.of_model(curve.model(settings, regions, seed), stream, budgets, score)

    return {
        "ARBAL": ours(options.regions),
        "IWAL": ours(1),
        "margin": lambda score: (curve.of_margin(stream, budgets, score), {}),
        "every row": lambda score: (curve.of_rows(stream, budgets, score), {}),
        "forest, every row": lambda score: (curve.of_forest(stream, budgets, seed, score), {}),
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of its 95% interval, over shuffles."""
    units = np.asarray(values, dtype=float)
    half = stats.t.ppf(0.975, len(units) - 1) * units.std(ddof=1) / len(units) ** 0.5
    return float(units.mean()), float(half)


def beside(result: dict[str, Any], budget: int, name: str = "ARBAL", other: str = REFERENCE) -> tuple[float, float]:
    """Error of a way of asking minus that of another on the same shuffles, in points, with half its interval."""
    i = result["budgets"].index(budget)
    pairs = zip(result["errors"][name], result["errors"][other], strict=True)
    return interval([100 * (a[i] - b[i]) for a, b in pairs])


def table(result: dict[str, Any]) -> Shown:
    """Errors at some numbers of labels."""
    shown = Shown(title="error in % by labels, mean over shuffles ± 95% interval")
    at = [b for b in SHOWN_AT if b in result["budgets"]]
    for column in ("", *map(str, at)):
        shown.add_column(column, justify="right")
    for name, curves in result["errors"].items():
        cells = [interval([100 * c[result["budgets"].index(b)] for c in curves]) for b in at]
        shown.add_row(escape(name), *(f"{mean:.1f} ± {half:.1f}" for mean, half in cells))
    return shown


def table_by_group(result: dict[str, Any]) -> Shown:
    """Errors of each group at the most labels that are shown, and the share of its rows ARBAL asked for by the end."""
    found, at = result["by_group"], _last(result)
    title = f"error in % at {at} labels by {escape(found['column'])}, mean over shuffles ± 95% interval"
    shown = Shown(title=title)
    for column in ("", *found["errors"], "asked"):
        shown.add_column(column, justify="right")
    for k, name in enumerate(found["groups"]):
        ends = [interval([100 * e for e in errors]) for errors in of_group(result, k, at).values()]
        pairs = zip(found["labels"]["ARBAL"], found["streamed"], strict=True)
        share = np.mean([asked[k] / max(rows[k], 1) for asked, rows in pairs])
        shown.add_row(name, *(f"{mean:.1f} ± {half:.1f}" for mean, half in ends), f"{share:.0%}")
    return shown


def of_group(result: dict[str, Any], k: int, budget: int) -> dict[str, list[float]]:
    """Errors of the k-th group at a number of labels, one a shuffle, by way of asking."""
    i = result["budgets"].index(budget)
    return {name: [curve[i][k] for curve in found] for name, found in result["by_group"]["errors"].items()}


def _last(result: dict[str, Any]) -> int:
    """The most labels at which errors are told."""
    return max(b for b in result["budgets"] if b <= SHOWN_AT[-1])


def told(result: dict[str, Any]) -> str:
    """What it came to, in a line."""
    last = _last(result)
    mean, half = beside(result, last)
    ours = [end for end in result["ends"] if end["method"] == "ARBAL"]
    regions = np.mean([end["regions"] for end in ours])
    share = np.mean([end["labels"] / end["rounds"] for end in ours])
    return (
        f"At {last} labels ARBAL errs {mean:+.1f} ± {half:.1f} points beside IWAL; {regions:.1f} regions on the mean, "
        f"{share:.0%} of the rows asked for by the end."
    )


def draw(result: dict[str, Any], path: Path) -> None:
    """Error against labels, and beside it by group, if there are any."""
    by_group = "by_group" in result
    with rc_context(picture.STYLE):
        figure = Figure(figsize=(5.4 * (1 + by_group), 3.6), layout="constrained")
        panels = figure.subplots(1, 1 + by_group, squeeze=False)[0]
        curves(panels[0], result)
        panels[0].set(xlabel="labels", ylabel="error, %")
        panels[0].legend(frameon=False)
        if by_group:
            _groups(panels[1], result)
        picture.save(figure, path)


def _groups(axes: Any, result: dict[str, Any]) -> None:
    """Errors of each group, a mark with its interval for every way of asking."""
    found, at = result["by_group"], _last(result)
    column, *names = map(picture.plain, (found["column"], *found["groups"]))
    for j, way in enumerate(found["errors"]):
        ends = [interval([100 * e for e in of_group(result, k, at)[way]]) for k in range(len(names))]
        means, halves = np.array(ends).T
        axes.errorbar(np.arange(len(names)) + 0.12 * (j - 2), means, halves, fmt="o", markersize=3, label=way)
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 6 else 0)
    axes.set(xlabel=column, ylabel=f"error at {at} labels, %", ylim=(0, None))


def curves(axes: Any, result: dict[str, Any]) -> None:
    """The curves of all ways of asking, with their intervals."""
    for name, found in result["errors"].items():
        ends = [interval([100 * c[i] for c in found]) for i in range(len(result["budgets"]))]
        means, halves = np.array(ends).T
        axes.fill_between(result["budgets"], means - halves, means + halves, alpha=0.2)
        axes.plot(result["budgets"], means, label=name)
    axes.set(xscale="log", ylim=(0, None))
    axes.set_xticks(result["budgets"][::2], map(str, result["budgets"][::2]))
    axes.minorticks_off()

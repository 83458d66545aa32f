"""What the word har does: fit in two stages, test beside one strength for all, keep and draw."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn

from inertialab.experiments import picture, sources, store
from inertialab.experiments.answers import require_writable
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.arms import ARMS, model_of, recipe_of, save, test_rows, weights_of
from inertialab.experiments.har.fit import HarFit, generator_of, har_fit, predictions, steps_of, train
from inertialab.experiments.har.options import Har
from inertialab.experiments.har.strengths import squared_residuals
from inertialab.experiments.har.tables import Table, table_of
from inertialab.experiments.kept import Kept

FEWEST = 8
"""Rows of a group, for test, folds and a variance in each."""


def carried_out(options: Har, console: Console) -> int:
    """Fit and test, or take the record; returns the exit code.

    Raises:
        WrongInputError: If the table or an option cannot be followed.
        FloatingPointError: If a training diverges.
    """
    require_writable(options.out)
    tables = [table_of(options, options.seed + i) for i in range(1 if options.data else options.repeats)]
    tables *= options.repeats // len(tables)  # a file is read once
    for table in tables:
        _require_rows(table)
    asked = {k: v for k, v in asdict(options).items() if k not in ("out", "data")}
    key = {"command": "har", **asked, "table": tables[0].digest, "code": sources.digest(__name__)}
    name = options.data.stem if options.data else options.demo
    path = options.out / f"har-{name}-{store.fingerprint(key)[:8]}.json"
    with Progress(console=console, transient=True) as progress:
        recipe, count = recipe_of(options, tables[0]), options.repeats
        total = count * (steps_of(recipe, options.strengths, options.folds) + 2 * recipe.steps)
        bar = progress.add_task("har", total=total)
        kept = Kept(path.with_suffix(".part.pt"), store.fingerprint(key))
        found = store.record(
            path, key, lambda: _fitted(options, tables, kept, path, lambda n: progress.advance(bar, n))
        )
    picture_path = path.with_suffix(".svg")
    draw(found["result"], picture_path)
    kept.path.unlink(missing_ok=True)
    plain: dict[str, Any] = {"highlight": False, "soft_wrap": True, "markup": False, "emoji": False}
    console.print(told(found["result"]), **plain)
    console.print(f"Record {path}", **plain)
    console.print(f"Picture {picture_path}", **plain)
    return 0


def _require_rows(table: Table) -> None:
    counts = torch.bincount(table.groups, minlength=len(table.names))
    for name, count in zip(table.names, counts.tolist(), strict=True):
        if count < FEWEST:
            raise WrongInputError(f"Group {name!r} has {count} rows; it takes {FEWEST} to train and to test on.")


def _fitted(options: Har, tables: list[Table], kept: Kept, path: Path, tick: Callable[[int], None]) -> dict[str, Any]:
    """All repeats; what goes into the record, beside which it leaves the weights of every arm."""
    runs, weights = [], {}
    for i, table in enumerate(tables):
        run, models = _one(options, table, options.seed + i, kept, tick)
        runs.append(run)
        weights |= {f"{i} {arm}": model for arm, model in models.items()}
    table = tables[0]
    return {
        "groups": list(table.names),
        "counts": torch.bincount(table.groups, minlength=len(table.names)).tolist(),
        "task": "regression" if table.outputs == 1 else "classification",
        "inputs": table.x[0].numel(),
        "runs": runs,
        "weights": {"file": weights_of(path).name, "sha256": save(weights_of(path), weights)},
    }


class _Named(dict[str, Tensor]):
    """The trainings of one repeat among all that are kept."""

    def __init__(self, kept: Kept, seed: int):
        super().__init__()
        self.kept, self.seed = kept, seed

    def __contains__(self, name: object) -> bool:
        return f"{self.seed} {name}" in self.kept

    def __getitem__(self, name: str) -> Tensor:
        return self.kept[f"{self.seed} {name}"]

    def __setitem__(self, name: str, value: Tensor) -> None:
        self.kept[f"{self.seed} {name}"] = value


def _one(
    options: Har, table: Table, seed: int, kept: Kept, tick: Callable[[int], None]
) -> tuple[dict[str, Any], dict[str, nn.Module]]:
    """One split into training and test, and the model of each arm."""
    test = test_rows(table.groups, options.test, generator_of(seed, "test"))
    recipe, rest = recipe_of(options, table), ~test
    x, y, groups = table.x[rest], table.y[rest], table.groups[rest]
    model = model_of(options, table, seed)
    common: dict[str, Any] = {"recipe": recipe, "grid": options.strengths, "folds": options.folds, "seed": seed}
    found = har_fit(model, (x, y), groups, kept=_Named(kept, seed), tick=tick, **common)
    none, even = (
        train(model, x, y, torch.full((len(x),), strength), recipe, generator_of(seed, "all"), tick)
        for strength in (0.0, found.uniform)
    )
    models = {"none": none.eval(), "uniform": even.eval(), "har": found.model}
    seen = {arm: _tested(m, table, test) for arm, m in models.items()}
    curves = _curves(models, table, rest) if seed == options.seed else {}
    return {**_stages(found), "test": seen, **curves}, models


def _stages(found: HarFit) -> dict[str, Any]:
    noise = {"noise": found.noise.noise.tolist(), "noise error": found.noise.errors.tolist()}
    chosen = {"strengths": found.strengths.tolist(), "factor": found.factor, "uniform": found.uniform}
    held = {arm: {repr(float(s)): v.tolist() for s, v in curve.items()} for arm, curve in found.held_out.items()}
    return {**noise, **chosen, "held out": held}


def _tested(model: nn.Module, table: Table, test: Tensor) -> dict[str, list[float]]:
    """Errors of each group on test rows: mean squared residuals, of classes the share of wrong ones as well."""
    classes = table.outputs > 1
    predicted = predictions(model, table.x[test], classes)
    parts = {"squared": squared_residuals(predicted, table.y[test])}
    truth = table.y[test] if table.clean is None else table.clean[test]
    if classes:
        parts["wrong"] = (predicted.argmax(1) != truth).float()
    elif table.clean is not None:
        parts["about the truth"] = squared_residuals(predicted, truth)
    groups = table.groups[test]
    return {name: [float(v[groups == k].mean()) for k in range(len(table.names))] for name, v in parts.items()}


def _curves(models: dict[str, nn.Module], table: Table, rows: Tensor) -> dict[str, Any]:
    """What a picture of one input and one output shows; nothing otherwise."""
    if table.outputs > 1 or table.x[0].numel() > 1:
        return {}
    grid = torch.linspace(float(table.x.min()), float(table.x.max()), 200)[:, None]
    lines = {arm: predictions(model, grid, False).tolist() for arm, model in models.items()}
    dots = {"x": table.x[rows, 0].tolist(), "y": table.y[rows].tolist(), "group": table.groups[rows].tolist()}
    return {"picture": {"dots": dots, "grid": grid[:, 0].tolist(), "lines": lines}}


def ratios(result: dict[str, Any], over: str = "uniform") -> dict[str, list[tuple[float, float]]]:
    """Error with strengths by group over that with one for all, by measure, and its standard error over the repeats.

    Args:
        result: Of a record.
        over: The other arm; `none` is that without a penalty.

    Returns:
        For every measure a pair for each group: quotient of the means, and its error (nan for a single repeat).
    """
    found = {}
    for measure in result["runs"][0]["test"]["har"]:
        one, other = (
            torch.tensor([run["test"][arm][measure] for run in result["runs"]], dtype=torch.float64)
            for arm in ("har", over)
        )
        quotient = one.mean(0) / other.mean(0)
        rest = (one - quotient * other) / other.mean(0)
        errors = rest.std(0) / len(rest) ** 0.5 if len(rest) > 1 else torch.full_like(quotient, float("nan"))
        found[measure] = list(zip(quotient.tolist(), errors.tolist(), strict=True))
    return found


def told(result: dict[str, Any]) -> str:
    """A result in a few lines: noise, strength and what it is worth, group by group."""
    run, lines = result["runs"][0], []
    measured, without = ratios(result), ratios(result, "none")
    measure = list(measured)[-1]
    for k, name in enumerate(result["groups"]):
        lines.append(
            f"{name}: {result['counts'][k]} rows, noise {run['noise'][k]:.3g} ± {run['noise error'][k]:.2g}, "
            f"relative strength {run['strengths'][k]:.3g}, test error over that with one strength for all: "
            f"{_worth(*measured[measure][k])}, over that without a penalty: {_worth(*without[measure][k])}"
        )
    kinds = {"squared": "mean squared residual", "wrong": "share of wrong classes", "about the truth": "squared error"}
    count = len(result["runs"])
    lines.append(f"Errors: {kinds[measure]}; {count} split{'s' * (count > 1)}.")
    return "\n".join([*lines, *at_the_end(result)])


def _worth(ratio: float, error: float) -> str:
    if ratio != ratio:
        return "no error either way"
    return f"{ratio:.3g}" + (f" ± {error:.2g}" if error == error else "")


def at_the_end(result: dict[str, Any]) -> list[str]:
    """A sentence for each arm whose chosen strength lies at an end of the grid, where a better one may lie beyond.

    Args:
        result: Of a record.
    """
    found = []
    for arm, key in (("uniform", "uniform"), ("har", "factor")):
        for end, which in ((min, "least"), (max, "largest")):
            chosen = [run[key] for run in result["runs"]]
            grids = [list(map(float, run["held out"][arm])) for run in result["runs"]]
            count = sum(len(grid) > 1 and one == end(grid) for one, grid in zip(chosen, grids, strict=True))
            if count:
                found.append(
                    f"{ARMS[arm].capitalize()}: the {which} strength of the grid was chosen in {count} of "
                    f"{len(chosen)} splits; a better one may lie beyond."
                )
    return found


def draw(result: dict[str, Any], path: Path) -> None:
    """The fit, or noise and strength of each group, beside the errors of both arms.

    Args:
        result: Of a record.
        path: Of the picture.
    """
    with rc_context(picture.STYLE), warnings.catch_warnings():
        # The SVG names letters; whoever shows it may have those that are missing here.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        run, names = result["runs"][0], result["groups"]
        (_fit if "picture" in run else _noise)(left, run, names)
        measure = list(run["test"]["har"])[-1]
        for i, arm in enumerate(ARMS):
            values = torch.tensor([r["test"][arm][measure] for r in result["runs"]]).mean(0).tolist()
            right.bar([k + 0.28 * (i - 1) for k in range(len(names))], values, 0.26, label=ARMS[arm])
        right.set_xticks(range(len(names)), list(map(picture.plain, names)))
        right.set(ylabel=f"test error ({measure})")
        right.legend(frameon=False)
        picture.save(figure, path)


def _fit(axes: Any, run: dict[str, Any], names: list[str]) -> None:
    seen = run["picture"]
    for k, name in enumerate(names):
        chosen = [i for i, g in enumerate(seen["dots"]["group"]) if g == k]
        axes.plot(
            [seen["dots"]["x"][i] for i in chosen],
            [seen["dots"]["y"][i] for i in chosen],
            ".",
            ms=3,
            alpha=0.5,
            label=picture.plain(name),
        )
    for arm in ARMS:
        axes.plot(seen["grid"], seen["lines"][arm], label=ARMS[arm])
    axes.set(xlabel="input", ylabel="output")
    axes.legend(frameon=False, fontsize=8)


def _noise(axes: Any, run: dict[str, Any], names: list[str]) -> None:
    axes.errorbar(run["noise"], run["strengths"], xerr=run["noise error"], fmt="o")
    for x, y, name in zip(run["noise"], run["strengths"], names, strict=True):
        axes.annotate(picture.plain(name), (x, y), textcoords="offset points", xytext=(6, 6))
    axes.set(xlabel="noise of the group", ylabel="relative strength", xscale="log", yscale="log")

"""Adaptive regularisation, from committed records of its command: tables and figures."""

import math
from pathlib import Path
from typing import Any

from look import OF_RECORDS, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from tables import table

from inertialab.experiments.har.command import at_the_end, ratios
from inertialab.experiments.store import read_json

FOLDER = Path(__file__).parents[1] / "assets" / "har"
NONE = "No record of this demonstration is committed."
NAMES = {"about the truth": "squared error", "wrong": "share of wrong classes", "squared": "squared residual"}
ARMS = {"uniform": "one strength for all", "har": "strength by group"}


def found(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The record of a demonstration, None if there is none.

    Args:
        name: regression, labels or images.
        folder: Where it lies.
    """
    return read_json(folder / f"{name}.json")


def shown(name: str, folder: Path = FOLDER) -> str:
    """A table, one row a group, of the first split, and what strengths by group are worth over all splits."""
    record = found(name, folder)
    if record is None:
        return NONE
    result = record["result"]
    worth = ratios(result)
    measure = list(worth)[-1]
    first = result["runs"][0]
    rows = [
        (
            group,
            result["counts"][k],
            f"{first['noise'][k]:.3g} ± {first['noise error'][k]:.2g}",
            f"{first['strengths'][k]:.3g}",
            *(f"{_mean(result, arm, measure, k):.3g}" for arm in ARMS),
            _told(*worth[measure][k]),
        )
        for k, group in enumerate(result["groups"])
    ]
    header = ("group", "rows", "noise", "relative strength", *ARMS.values(), "ratio")
    made = f"commit {record['commit'][:7]}, torch {record['key']['versions']['torch']}"
    splits = f"{len(result['runs'])} independent splits"
    head = f"{splits}; errors are the {NAMES[measure]} about the truth on test rows; {made}."
    return "\n\n".join([head, table(header, rows), *at_the_end(result)])


def _mean(result: dict[str, Any], arm: str, measure: str, k: int) -> float:
    values = [run["test"][arm][measure][k] for run in result["runs"]]
    return sum(values) / len(values)


def _told(ratio: float, error: float) -> str:
    if math.isnan(ratio):
        return "no error either way"
    return f"{ratio:.3g}" if math.isnan(error) else f"{ratio:.3g} ± {error:.2g}"


def figure(folder: Path = FOLDER) -> str:
    """Labels of both sensors and both fits of the first split, an SVG with deterministic bytes.

    Args:
        folder: Where the record lies.
    """
    record = found("regression", folder)
    if record is None:
        raise FileNotFoundError(f"There is no regression.json in {folder}.")
    seen, groups = record["result"]["runs"][0]["picture"], record["result"]["groups"]
    with rc_context(OF_RECORDS):
        drawn = Figure(figsize=(7, 3.6), layout="constrained")
        axes = drawn.subplots()
        for k, name in enumerate(groups):
            dots = [(x, y) for x, y, g in zip(*(seen["dots"][n] for n in ("x", "y", "group")), strict=True) if g == k]
            axes.plot(*zip(*dots, strict=True), ".", ms=3, alpha=0.5, label=name)
        for arm, name in ARMS.items():
            axes.plot(seen["grid"], seen["lines"][arm], label=name)
        axes.set(xlabel="input", ylabel="output")
        axes.legend(frameon=False, fontsize=8)
        return svg(drawn)

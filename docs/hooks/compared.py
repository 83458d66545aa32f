"""Runs of RAdam, AdaShift, CProp and their relatives, and minima that are found, from records of the word compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from look import OF_RECORDS, svg
from matplotlib import rc_context
from scipy.stats import t as student
from tables import table

from inertialab.experiments.compared import picture
from inertialab.experiments.store import read_json
from inertialab.theory import claim as named

Row = Mapping[str, Any]
Numbers = tuple[Sequence[str], list[tuple[str, ...]], str]
"""Header and rows of a table, and what the picture shows."""
FOLDER = Path(__file__).parents[1] / "assets" / "related"
ROUNDING = 1e-10
EXPERIMENTS = ("counterexample", "warmup", "conformity")
"""Experiments of the word compare whose records the pages of RAdam, AdaShift and CProp show."""
ELSEWHERE = ("minima",)
"""That stand on the page of real training."""


def found(what: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The record of a comparison, None if there is none.

    Args:
        what: One of EXPERIMENTS or ELSEWHERE.
        folder: Where it lies.
    """
    return read_json(folder / f"{what}.json")


def shown(what: str, _: Row, folder: Path = FOLDER) -> str:
    """Picture of a comparison and its numbers, from a committed record; a sentence where there is none.

    Args:
        what: One of EXPERIMENTS or ELSEWHERE.
        folder: Where the record lies.
    """
    record = found(what, folder)
    if record is None:
        return f"*No record of `{what}` is committed: run `python -m inertialab.experiments compare {what}`.*\n"
    header, rows, names = _NUMBERS[what](record["key"], record["result"])
    commit = f"`python {' '.join(record['command'][1:])}`, commit `{record['commit'][:10]}`"
    return f"![{names}](related-{what}.svg)\n\n{table(header, rows)}\n*{commit}.*\n"


def figure(what: str, folder: Path = FOLDER) -> str:
    """Picture of a comparison beside the claims, an SVG; FileNotFoundError without a record."""
    record = found(what, folder)
    if record is None:
        raise FileNotFoundError(f"There is no {what}.json in {folder}.")
    with rc_context(OF_RECORDS):
        drawn = picture.figure(what, record["key"], record["result"], claimed)
        return svg(drawn)


def claimed(id: str, **given: float) -> float:
    """Number of a claim, as `picture.Predicted`."""
    return float(named(id).evaluate(**given))


def _drifts(key: Row, result: Row) -> Numbers:
    """Drift of every optimizer, and what the step of the rare gradient lacks."""
    law, lost = result["law"], {"rare": key["rare"], "mu": key["mean"], "beta2": key["beta2"]}
    common = {"mu": law["mu"], "C": law["C"], "beta": key["beta"], "beta2": key["beta2"]}
    drift = {"adam": -claimed("adashift.drift", **common, third=law["third"])}
    drift["adashift"] = -claimed("adashift.drift", **common, third=0.0)
    loss = {"adam": claimed("adashift.net-factor-adam", **lost), "adashift": claimed("adashift.net-factor", **lost)}
    rows = [
        (
            arm,
            _milli(*seen["drift"]),
            f"{1e3 * drift[arm]:.3g}" if arm in drift else "no claim",
            "right" if seen["drift"][0] < 0 else "**wrong**",
            _about(*seen["loss"]) if seen["loss"] else "not one step",
            f"{loss[arm]:.3g}" if arm in loss else "no claim",
        )
        for arm, seen in result["arms"].items()
    ]
    header = ("optimizer", "change in 1000 steps over η", "claimed", "direction", "lost of a rare step", "claimed")
    return header, rows, f"Places under a rare gradient of {key['rare']:g}, mean {key['mean']:g}"


def _losses(key: Row, result: Row) -> Numbers:
    """Loss by warm-up after a tenth of the steps and all of them, two columns a learning rate."""
    half, times, rates = float(student.ppf(0.975, key["runs"] - 1)), result["times"], result["rates"]
    looks = [max(i for i, t in enumerate(times) if t <= part * key["steps"]) for part in (0.1, 1)]
    rows = [
        (arm, *(_at(made[arm]["loss"], i, half) for made in rates.values() for i in looks))
        for arm in next(iter(rates.values()))
    ]
    header = ("warm-up", *(f"loss at η = {eta}, step {times[i]}" for eta in rates for i in looks))
    return header, rows, "Size of the first steps, and loss, by warm-up"


def _scales(key: Row, result: Row) -> Numbers:
    """Mean scale at its largest and at the end, beside the floor at that step."""
    half, rows = float(student.ppf(0.975, key["runs"] - 1)), list[tuple[str, ...]]()
    late = [i for i, t in enumerate(result["times"]) if t >= picture.SHARP]
    for arm, seen in result["arms"].items():
        most = max(late, key=lambda i: seen["scale"]["mean"][i])
        for i in (most, late[-1]):
            floor = claimed("cprop.noise-floor", beta=key["beta"], T=result["times"][i])
            rows.append((arm, f"{result['times'][i]}", _at(seen["scale"], i, half), f"{floor:.3g}"))
    return ("gradients", "step", "mean scale", "floor"), rows, "CProp's mean scale while digits are learned"


def _minima(key: Row, result: Row) -> Numbers:
    """Sharpness and trace over those of the first arm, with what else is known of the minima."""
    half, first = float(student.ppf(0.975, key["runs"] - 1)), next(iter(result["arms"]))
    rows = [
        (
            arm,
            *(_between(result["against"][arm][name], half) for name in ("sharpness", "trace")),
            f"{np.mean(seen['sharpness']):.3g}",
            f"{np.mean(seen['trace']):.3g}",
            f"{100 * np.mean(seen['error']):.2g} %",
            f"{np.mean(seen['norm']):.3g}",
            f"{np.mean(seen['steps']):.0f}",
        )
        for arm, seen in result["arms"].items()
    ]
    over = f"over that of {first}"
    header = ("optimizer, rate", f"sharpness {over}", f"trace {over}", "sharpness", "trace", "error", "norm", "steps")
    return header, rows, f"Sharpness and trace at a training loss of {key['loss']:g}, {over}"


def _between(seen: Sequence[float], half: float) -> str:
    """A ratio with its 95% interval, from the mean logarithm and its error."""
    mean, error = seen
    low, value, high = np.exp([mean - half * error, mean, mean + half * error])
    return f"{value:.3g} ({low:.3g} to {high:.3g})" if error else "1"


def _about(value: float, error: float, half: float = 1.96) -> str:
    """A number with its 95% interval; what is left by rounding alone is nothing."""
    return "0" if abs(value) < ROUNDING else f"{value:.3g} ± {half * error:.1g}"


def _milli(value: float, error: float) -> str:
    return _about(1e3 * value, 1e3 * error)


def _at(seen: Row, look: int, half: float) -> str:
    return _about(seen["mean"][look], seen["error"][look], half)


_NUMBERS: dict[str, Callable[[Row, Row], Numbers]] = {
    "counterexample": _drifts,
    "warmup": _losses,
    "conformity": _scales,
    "minima": _minima,
}

"""Adaptive regularisation, from committed records of its command: tables and figures."""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from look import OF_RECORDS, svg
from matplotlib import rc_context
from matplotlib.figure import Figure
from tables import table

from inertialab.experiments.har.arms import ARMS
from inertialab.experiments.har.command import at_the_end, ratios
from inertialab.experiments.har.tables import SPREADS
from inertialab.experiments.store import read_json
from inertialab.theory.claims.regularisation.groups import har_both_groups, har_clean_group
from inertialab.verification.studies.regularisation.strengths import regions

FOLDER = Path(__file__).parents[1] / "assets" / "har"
NONE = "No record of this demonstration is committed."
NAMES = {"about the truth": "squared error", "wrong": "share of wrong classes", "squared": "squared residual"}


def found(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The record of a demonstration, None if there is none.

    Args:
        name: regression, labels or images.
        folder: Where it lies.
    """
    return read_json(folder / f"{name}.json")


def shown(name: str, folder: Path = FOLDER) -> str:
    """A table, one row a group, of the first split, and what strengths by group are worth over all splits.

    For the two sensors, both of them together and what theory says are shown beside.

    Args:
        name: regression, labels or images.
        folder: Where the record lies.
    """
    record = found(name, folder)
    if record is None:
        return NONE
    result = record["result"]
    first, names = result["runs"][0], arms(result)
    measure = list(first["test"]["har"])[-1]
    noise = [f"{v:.3g} ± {e:.2g}" for v, e in zip(first["noise"], first["noise error"], strict=True)]
    rows = [
        (group, result["counts"][k], noise[k], f"{first['strengths'][k]:.3g}", *_errors(result, measure, k))
        for k, group in enumerate(result["groups"])
    ]
    header = ("group", "rows", "noise", "relative strength", *names.values(), "ratio")
    header += ("over no penalty",) if "none" in names else ()
    told = at_the_end(result)
    if name == "regression":
        rows.append(("both, equal weights", sum(result["counts"]), "", "", *_errors(summed(result), measure, 0)))
        theory = predicted(round(sum(result["counts"]) * (1 - record["key"]["test"])))
        header += ("formula", "exact fits")
        rows = [(*row, *values) for row, values in zip(rows, theory.columns, strict=True)]
        told = [theory.told, *told]
    made = f"commit {record['commit'][:7]}, torch {record['key']['versions']['torch']}"
    splits = f"{len(result['runs'])} independent splits"
    head = f"{splits}; errors are the {NAMES[measure]} about the truth on test rows; {made}."
    return "\n\n".join([head, table(header, rows), *told])


def arms(result: dict[str, Any]) -> dict[str, str]:
    """The arms that a record has, by name; older ones have none without a penalty."""
    return {arm: name for arm, name in ARMS.items() if arm in result["runs"][0]["test"]}


def summed(result: dict[str, Any]) -> dict[str, Any]:
    """A result in which all groups are one, each of the same weight."""
    runs = [
        {"test": {arm: {m: [sum(v) / len(v)] for m, v in seen.items()} for arm, seen in run["test"].items()}}
        for run in result["runs"]
    ]
    return {"runs": runs}


def _errors(result: dict[str, Any], measure: str, k: int) -> tuple[str, ...]:
    """Mean error of a group by arm, and what strengths by group are worth over each of the others."""
    names = arms(result)
    means = [f"{_mean(result, arm, measure, k):.3g}" for arm in names]
    others = ("uniform", "none") if "none" in names else ("uniform",)
    return (*means, *(_told(*ratios(result, over)[measure][k]) for over in others))


def _mean(result: dict[str, Any], arm: str, measure: str, k: int) -> float:
    values = [run["test"][arm][measure][k] for run in result["runs"]]
    return sum(values) / len(values)


@dataclass(frozen=True)
class Theory:
    """What strengths of their own are worth to the two sensors.

    Attributes:
        columns: For the clean sensor, the noisy one and both: the claim's formula, and exact numerics of penalised fits
            to as many readings.
        told: Where the formula of the clean sensor would hold.
    """

    columns: tuple[tuple[str, str], ...]
    told: str


@cache
def predicted(n: int) -> Theory:
    """Theory of the two sensors, at the factor that is best for the error of both.

    Args:
        n: Readings that are trained on.
    """
    R = (SPREADS[1] / SPREADS[0]) ** 2
    point = {"H": 1.0, "V": SPREADS[1] ** 2, "q": 1.0, "amplitude": 1.0, "R_V": 1 / R, "n": float(n)}
    seen = regions([point], rng=np.random.default_rng(0), device=torch.device("cpu"), tick=lambda *_: None)
    exact = {m.quantity: m.estimate.value for m in seen.measurements}
    formulas = [float(claim.predict(R=R)) for claim in (har_clean_group, har_both_groups)]
    clean, both = ((f"{f:.3g}", f"{exact[name]:.3g}") for f, name in zip(formulas, ("own", "both"), strict=True))
    least = readings(dict(seen.measurements[0].point))
    told = (
        "The formulas are of many readings and narrow kernels; that of the clean sensor claims to hold from "
        f"{least:.0e} on, where {n} are trained on here, so that no network can be asked. Exact fits are penalised "
        "fits without a network, solved for the mean over all labels, to as many readings. Both are at the factor that "
        "is best for both sensors together."
    )
    return Theory((clean, ("", ""), both), told)


def readings(conditions: dict[str, float]) -> float:
    """Fewest readings in the regime of the clean group's claim; the kernel's width falls with their fifth root.

    Args:
        conditions: By the names of the claim's symbols.
    """
    (relation,) = har_clean_group.regime.beside
    width = float(relation.lhs.subs({s: conditions[str(s)] for s in relation.lhs.free_symbols}))
    return conditions["n"] * (width / float(relation.rhs)) ** 5


def by_group(name: str, folder: Path = FOLDER) -> str:
    """Squared derivative and trace of the Hessian of each arm on each group, mean over the splits.

    Args:
        name: labels or images.
        folder: Where the measurement lies.
    """
    record = read_json(folder / f"{name}.curvature.json")
    if record is None:
        return "No measurement of these networks is committed."
    result = record["result"]
    rows = [
        (group, ARMS[arm], *(_spread([run[arm][k][what] for run in result["runs"]]) for what in ("penalty", "trace")))
        for k, group in enumerate(result["groups"])
        for arm in result["runs"][0]
    ]
    head = f"Mean over {len(result['runs'])} splits, with its standard error; on the examples and labels trained on."
    return "\n\n".join([head, table(("group", "arm", "squared derivative of the loss", "trace of the Hessian"), rows)])


def _spread(values: list[float]) -> str:
    """Mean and its standard error."""
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else math.nan
    return _told(float(np.mean(values)), error)


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
        for arm, name in arms(record["result"]).items():
            axes.plot(seen["grid"], seen["lines"][arm], label=name)
        axes.set(xlabel="input", ylabel="output")
        axes.legend(frameon=False, fontsize=8)
        return svg(drawn)

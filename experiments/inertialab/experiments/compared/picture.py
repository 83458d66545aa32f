"""Pictures of the comparisons, alone or beside what is predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from scipy.stats import t as student

Result = Mapping[str, Any]
Predicted = Callable[..., float]
"""Number of a claim, by its id and arguments: what is predicted is known elsewhere."""

SHARP = 60
"""Steps from which on the standard error that CProp's scale rests on is no longer noise."""
_UNDER = {"sgd": {"lw": 5, "alpha": 0.4}, "momentum-ema": {"lw": 2.5}}
"""Wider lines of those that may lie under others."""


def figure(experiment: str, key: Result, result: Result, predicted: Predicted | None = None) -> Figure:
    """The picture of a record, with 95% bands.

    Args:
        experiment: An experiment of the word compare.
        key: Settings of the record.
        result: Of the record.
        predicted: Draws the claims' lines, if given.
    """
    drawn = {"counterexample": counterexample, "warmup": warmup, "conformity": conformity, "minima": minima}
    return drawn[experiment](key, result, predicted)


def counterexample(key: Result, result: Result, predicted: Predicted | None = None) -> Figure:
    """Place against time, one line an optimizer; the claim's drift of Adam and, without skewness, of AdaShift."""
    drawn = Figure(figsize=(7.5, 4), layout="constrained")
    axes, law, times = drawn.subplots(), result["law"], result["times"]
    for arm, seen in result["arms"].items():
        style = _UNDER.get(arm, {})
        _band(axes, times, np.array(seen["place"]), 1.96 * np.array(seen["error"]), arm, **style)
    if predicted:
        given = {"mu": law["mu"], "C": law["C"], "beta": key["beta"], "beta2": key["beta2"]}
        for arm, name, third in (("adam", "Adam", law["third"]), ("adashift", "AdaShift", 0.0)):
            places = result["arms"][arm]["place"]
            late = [t for t in times if t >= key["steps"] // 4]  # the claim is of a second moment without a start
            drift, begun = predicted("adashift.drift", **given, third=third), places[times.index(late[0])]
            line = begun - drift * (np.array(late) - late[0])
            axes.plot(late, line, "--" if third else ":", color=_ink(), lw=2, label=f"claimed, {name}")
    axes.axhline(0, color="gray", lw=0.5)
    axes.set(xlabel="step", ylabel="mean place / η", title="Downhill is down")
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return drawn


def warmup(key: Result, result: Result, predicted: Predicted | None = None) -> Figure:
    """Size of the first steps beside that under pure noise, and the loss, one column a learning rate."""
    rates = result["rates"]
    drawn = Figure(figsize=(3 * len(rates) + 1, 5.2), layout="constrained")
    for i, (eta, arms) in enumerate(rates.items()):
        above, below = (drawn.add_subplot(2, len(rates), i + 1 + len(rates) * j) for j in (0, 1))
        for arm, seen in arms.items():
            _runs(above, result["first"], seen["update"], key["runs"], arm)
            _runs(below, result["times"], seen["loss"], key["runs"], arm)
        if predicted:
            given = {"beta": key["beta"], "beta2": key["beta2"]}
            noise = [predicted("radam.mean-update", **given, T=t) for t in result["first"]]
            above.plot(result["first"], noise, "--", color=_ink(), lw=1, label="pure noise, claimed")
        above.set(xscale="log", yscale="log", title=f"η = {eta}", xlabel="step")
        below.set(xscale="log", yscale="log", xlabel="step")
        if i == 0:
            above.set(ylabel="mean |update| / η")
            below.set(ylabel="loss of all samples")
            handles = above.get_legend_handles_labels()
            drawn.legend(*handles, frameon=False, fontsize="small", loc="outside lower center", ncols=5)
    return drawn


def conformity(key: Result, result: Result, predicted: Predicted | None = None) -> Figure:
    """CProp's mean scale beside its floor under pure noise, and the loss."""
    drawn = Figure(figsize=(7.5, 3.2), layout="constrained")
    left, right = drawn.subplots(1, 2)
    for arm, seen in result["arms"].items():
        _runs(left, result["times"], seen["scale"], key["runs"], arm)
        _runs(right, result["times"], seen["loss"], key["runs"], arm)
    if predicted:
        late = [t for t in result["times"] if t >= SHARP]
        floor = [predicted("cprop.noise-floor", beta=key["beta"], T=t) for t in late]
        left.plot(late, floor, "--", color=_ink(), label="floor, claimed")
    left.set(xlabel="step", ylabel="mean scale", xscale="log", ylim=(0, 1.05))
    right.set(xlabel="step", ylabel="loss of all samples", xscale="log", yscale="log")
    left.legend(frameon=False, fontsize="small")
    return drawn


def minima(key: Result, result: Result, predicted: Predicted | None = None) -> Figure:
    """Sharpness and trace of every arm over those of the first, every seed a point; no claim says what they are."""
    arms = result["arms"]
    drawn = Figure(figsize=(7.5, 0.28 * len(arms) + 1), layout="constrained")
    half = float(student.ppf(0.975, key["runs"] - 1))
    first = next(iter(arms.values()))
    for axes, name in zip(drawn.subplots(1, 2, sharey=True), ("sharpness", "trace"), strict=True):
        for row, (arm, seen) in enumerate(arms.items()):
            axes.plot(np.array(seen[name]) / first[name], [row] * key["runs"], ".", color="gray", ms=3, alpha=0.6)
            mean, error = result["against"][arm][name]
            low, value, high = np.exp([mean - half * error, mean, mean + half * error])
            axes.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color=_ink(), ms=4, capsize=3)
        axes.axvline(1, color="gray", lw=0.5)
        axes.set(xscale="log", xlabel=f"{name} over that of {next(iter(arms))}")
        axes.set_yticks(range(len(arms)), list(arms))
    drawn.axes[0].invert_yaxis()
    return drawn


def _ink() -> str:
    """Colour of what is claimed: that of the writing, which is read on any ground."""
    return str(rcParams["text.color"])


def _runs(axes: Any, times: Sequence[int], seen: Result, runs: int, label: str) -> None:
    """Mean over seeds with Student's 95% interval."""
    half = float(student.ppf(0.975, runs - 1)) * np.array(seen["error"])
    _band(axes, times, np.array(seen["mean"]), half, label)


def _band(axes: Any, times: Sequence[int], mean: np.ndarray, half: np.ndarray, label: str, **style: Any) -> None:
    (line,) = axes.plot(times, mean, label=label, **{"lw": 1.2, **style})
    low = mean - half
    if axes.get_yscale() == "log" or bool((mean > 0).all()):
        low = np.maximum(low, mean / 10)  # a band that reaches zero has no place on a logarithm
    axes.fill_between(times, low, mean + half, color=line.get_color(), alpha=0.2, lw=0)

"""Calibration of the instrument: our curvature beside three independent ones, on the same networks.

The dense matrix of second derivatives in float64, SciPy's eigsh on it, and PyHessian each measure what ours does. A
board whose instrument disagrees with them is not green.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import scipy.sparse.linalg
import torch
from torch import Tensor

from inertialab.experiments import sources, store
from inertialab.experiments.data import load
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.measure.calibration import pyhessian_top_eigenvalue, pyhessian_trace
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.lanczos import top_eigenpairs
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.trace import trace

EXACT = 1e-8  # against matrices in float64, relative
ITERATIVE = 1e-3  # against a power iteration that stops by the change of its value, relative
ERRORS = 5.0  # between two estimates, in combined standard errors
PAIRS = 5


def calibration(folder: Path, seed: int = 0) -> dict[str, Any]:
    """Measure, or take the record of the same measurement by the same code.

    Args:
        folder: Where `calibration.json` goes.
        seed: Seed of all random vectors.

    Returns:
        The record; its result holds one row for each comparison and whether all agree.
    """

    def work() -> dict[str, Any]:
        rows = [row for model in MODELS for row in compare(model, seed)]
        return {"rows": rows, "agree": all(row["agree"] for row in rows)}

    key = {"calibration": list(MODELS), "seed": seed, "pairs": PAIRS, "code": sources.digest(__name__)}
    return store.record(folder / "calibration.json", key, work)


def compare(model: str, seed: int) -> list[dict[str, Any]]:
    """All comparisons on one network with its initial weights, where the Hessian is indefinite.

    Args:
        model: Row of `MODELS`.
        seed: Seed of the weights and the random vectors.
    """
    generator, digits = torch.Generator().manual_seed(seed), load("digits")
    net = MODELS[model](digits.inputs.shape[1], digits.classes, generator)
    trained = TrainingProblem(net, digits.inputs, digits.targets, l2=0.001)
    problem, at = Problem.of(trained, chunk=500), trained.start
    operator = hessian(problem)
    top, ours_s = _timed(lambda: top_eigenpairs(operator, PAIRS, "LA", 1e-7, generator=generator))
    bottom = top_eigenpairs(operator, 1, "SA", 1e-7, generator=generator)
    magnitude = top_eigenpairs(operator, 1, "LM", 1e-7, generator=generator)
    sampled, trace_s = _timed(lambda: trace(operator, 0.01, generator=generator))
    dense, dense_s = _timed(lambda: _dense(trained, at))
    exact = torch.linalg.eigvalsh(dense)
    arpack, arpack_s = _timed(lambda: scipy.sparse.linalg.eigsh(dense.numpy(), 1, which="LA")[0][0])
    power, power_s = _timed(lambda: pyhessian_top_eigenvalue(trained, at))
    (mean, error), probes_s = _timed(lambda: pyhessian_trace(trained, at))
    scale, value, se = float(exact.abs().max()), sampled.estimate.value, sampled.estimate.se
    about = {"model": model, "parameters": len(at), "lambda1": scale}
    rows = [
        _row(f"lambda {i + 1}", "dense", top.values[i], exact[-1 - i], EXACT * scale, ours_s, dense_s)
        for i in range(PAIRS)
    ]
    rows += [
        _row("smallest lambda", "dense", bottom.values[0], exact[0], EXACT * scale, ours_s, dense_s),
        _row("lambda 1", "scipy eigsh", top.values[0], arpack, EXACT * scale, ours_s, arpack_s),
        _row("largest |lambda|", "PyHessian", magnitude.values[0], power, ITERATIVE * scale, ours_s, power_s),
        _row("trace", "dense", value, exact.sum(), ERRORS * se, trace_s, dense_s),
        _row("trace", "PyHessian", value, mean, ERRORS * (se**2 + error**2) ** 0.5, trace_s, probes_s),
    ]
    return [{**about, **row} for row in rows]


def _row(
    quantity: str,
    instrument: str,
    ours: Tensor | float,
    theirs: Tensor | float,
    tolerance: float,
    ours_s: float,
    theirs_s: float,
) -> dict[str, Any]:
    difference = float(ours) - float(theirs)
    return {
        "quantity": quantity,
        "instrument": instrument,
        "ours": float(ours),
        "theirs": float(theirs),
        "difference": difference,
        "tolerance": tolerance,
        "agree": abs(difference) <= tolerance,
        "seconds": round(ours_s, 4),
        "their seconds": round(theirs_s, 4),
    }


def _dense(trained: TrainingProblem, at: Tensor) -> Tensor:
    """Second derivatives by another route than the operators': reverse mode over all samples at once, row by row."""
    H = torch.autograd.functional.hessian(trained.value, at)
    assert isinstance(H, Tensor)
    return H


def _timed(work: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def disagreements(record: Mapping[str, Any]) -> list[str]:
    """One sentence for each comparison that failed."""
    return [
        f"{row['quantity']} of {row['model']}: {row['ours']:.8g} by this instrument, {row['theirs']:.8g} by "
        f"{row['instrument']}; they may differ by {row['tolerance']:.1e}"
        for row in record["result"]["rows"]
        if not row["agree"]
    ]

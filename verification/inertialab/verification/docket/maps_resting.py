"""Regime maps by exact numerics: stationary states, and the first steps from a critical point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inertialab.verification.docket.beyond import DIFFUSION
from inertialab.verification.docket.grids import Axis, Map, likewise, over, spaced
from inertialab.verification.docket.stationary import EQUILIBRIUM, FLATNESS, SHUFFLED_LOSS, TURNING, uneven_point
from inertialab.verification.studies.exact import chain, labels, orderings, saddle, spheres, stationary, tails
from inertialab.verification.studies.study import Study

BETA = Axis("β", (0.1, 0.5, 0.8, 0.9, 0.98))
SIZE = spaced("η h", 0.01, 1.6, 7)
THIRD = spaced("η C L₃² / h³", 0.004, 0.25, 6)
SHARE = 0.1
"""Of the steps of a sphere that meet the larger gradient."""


def _bent(step: float, group: float) -> dict[str, Any]:
    """A loss with a third derivative, and a fourth that keeps it rising on either side."""
    uneven = (group / 2) ** 0.5
    return uneven_point(eta=0.1, h=step / 0.1, C=1.0, law="gaussian", uneven=uneven, bent=uneven**2)


def _labelled(step: float, group: float) -> dict[str, float]:
    """A place of a valley of the product model, with noise of the labels by its group."""
    h, turn = 4.0, 0.5
    eta = step / h
    place = {"u": h**0.5 * np.cos(turn), "v": h**0.5 * np.sin(turn), "B": 1}
    return {"eta": eta, "sigma": (group * h * (2 - step) ** 3 / eta) ** 0.5, **place}


def _sphere(step: float, spread: float) -> dict[str, float]:
    """Two sizes of gradient whose squares have this variance over their squared mean."""
    root = spread**0.5
    square = 1 + root / ((SHARE * (1 - SHARE)) ** 0.5 - SHARE * root)
    return {"eta": 0.1, "decay": step / 0.1, "low": 1.0, "high": square**0.5, "share": SHARE}


def _uneven(share: float, spread: float) -> dict[str, Any]:
    return {"kind": "squares", "samples": 240, "spread": spread, "share": share}


SPHERES = over(
    "sphere-norms",
    [EQUILIBRIUM],
    "numerics",
    spheres.norms,
    "fourth-power",
    _sphere,
    spaced("η · decay", 0.001, 0.6, 6),
    spaced("variance of |g|² over its squared mean", 0.05, 4.0, 6),
    f"gradients of two sizes, a share of {SHARE} of the larger",
)


def _left(sign: int, claim: str, low: float, high: float) -> Map:
    """SGD from a critical point, its steps and the curvature over the learning rate."""
    steps = Axis("T", (1.0, 4.0, 16.0, 64.0))
    sizes = spaced("η |h|" if sign < 0 else "η h", low, high, 6)
    points = [{"eta": 0.5, "h": sign * size / 0.5, "C": 0.7} for size in sizes.values]
    config = {"optimizer": "sgd", "points": points, "times": [round(T) for T in steps.values]}
    name = "saddle" if sign < 0 else "minimum"
    study = Study(f"map-continuous-{name}", saddle.iterated, config)
    return Map(study, (claim,), "numerics", "msd", steps, sizes, f"SGD from a {name}, one direction")


def _momentum(step: float, beta: float) -> Mapping[str, Any]:
    return {"eta": 0.5, "h": step / 0.5, "C": 0.7, "beta": beta}


MAPS = (
    over(
        "modified-equation",
        ["momentum.modified-equation"],
        "numerics",
        stationary.solved,
        "variance",
        _momentum,
        SIZE,
        BETA,
        "momentum in PyTorch's convention",
        optimizer="momentum-torch",
    ),
    over(
        "mean-shift",
        ["sgd.mean-shift"],
        "numerics",
        chain.means,
        "mean",
        _bent,
        spaced("η h", 0.03, 0.9, 6),
        THIRD,
        "Gaussian noise, a fourth derivative of L₃²/h",
    ),
    over(
        "label-drift",
        [FLATNESS],
        "numerics",
        labels.drifts,
        "velocity",
        _labelled,
        Axis("η h", (0.1, 0.4, 0.8, 1.2, 1.6, 1.8)),
        # More noise than this, and the study's polynomials of the place no longer converge.
        spaced("η σ² bend² / (B h (2 - η h)³)", 0.0005, 0.009, 6),
        "the product model uv, half a radian off its axis",
    ),
    SPHERES,
    likewise(SPHERES, "angle", TURNING),
    over(
        "all-orderings",
        [SHUFFLED_LOSS],
        "numerics",
        orderings.every_ordering,
        "excess",
        lambda x, y: orderings.rate(x, case=1, n_batches=round(y)),
        spaced("η n g h² over the slope of |∇Lᵢ|²", 0.005, 2.0, 6),
        Axis("minibatches in an epoch, n", (2.0, 3.0, 4.0, 5.0, 6.0)),
        "all orderings of an epoch of rounded valleys",
    ),
    over(
        "tail-index",
        [DIFFUSION],
        "numerics",
        tails.indices,
        "index",
        _uneven,
        spaced("η over the edge of the variance", 0.8, 1.6, 4),
        spaced("spread of ln(curvature)", 0.8, 1.8, 4),
        "240 minibatches of log-normal curvatures with this deviation of their logarithm, drawn anew for each cell",
    ),
    _left(-1, "sgd.saddle-variance-ou", 0.003, 0.3),
    _left(1, "sgd.saddle-variance-ou", 0.01, 1.6),
)

"""Regime maps by simulation with the optimizers themselves: so many particles that errors are well below a contour."""

from __future__ import annotations

from typing import Any

from inertialab.verification.docket.grids import Axis, Map, likewise, over, spaced
from inertialab.verification.docket.saddle import ADAI
from inertialab.verification.docket.stationary import LARGE, ROOT
from inertialab.verification.studies.particles import adaptive, adaptive_minima, large_batches
from inertialab.verification.studies.related import drifts, gates
from inertialab.verification.studies.study import Study

SLOW = Axis("1 - β₂", (0.005, 0.02, 0.06, 0.15, 0.5))
MANY = {"particles": 60_000}


def _resting(optimizer: str, claim: str, across: Axis, fixed: str, eta: float = 0.1, **settings: float) -> Map:
    """Coordinates of several curvatures in one model, and a model for each memory of the second moment.

    Adai's noise is the same in all; curvatures are those that give a coordinate its rate of relaxation.
    """
    kinds = [{"h": rate / eta, "C": 1.0, "law": "gaussian"} for rate in across.values]
    models = [{"settings": {"eta": eta, "beta2": 1 - x, **settings}, "kinds": kinds} for x in SLOW.values]
    config = {"optimizer": optimizer, "models": models, "particles": 1500}
    study = Study(f"map-resting-{optimizer}", adaptive_minima.spread, config)
    return Map(study, (claim,), "simulation", "variance", across, SLOW, fixed)


INERTIA = Axis("κ, about", (0.01, 0.03, 0.1, 0.3))
LOOKS = Axis("T", (1.0, 3.0, 10.0, 30.0, 100.0))


def _left() -> Map:
    """Warm Adai along directions whose noise is in proportion to the curvature, which decides their inertia."""
    mean = sum(INERTIA.values) / len(INERTIA.values)
    points = [{"h": -x, "C": x / 2, "B": 2.0} for x in INERTIA.values]
    config = {**ADAI, "beta0": mean, **MANY, "points": points, "times": [round(T) for T in LOOKS.values]}
    claims = ("adai.saddle-msd", "adai.saddle-msd-attributed")
    study = Study("map-adai-saddle", adaptive.adai_spread, config)
    return Map(study, claims, "simulation", "msd", INERTIA, LOOKS, "C = |h|/B, η|h| a tenth of κ")


def _fast() -> Map:
    """Warm Adai over SGD, without curvature, along directions of unlike noise."""
    mean = sum(INERTIA.values) / len(INERTIA.values)
    points = [{"C": x / mean} for x in INERTIA.values]
    times = [round(T) for T in LOOKS.values]
    config = {**ADAI, "beta0": mean, "beta2": 0.998, **MANY, "points": points, "times": times}
    claims = ("adai.saddle-speed", "adai.faster-than-sgd")
    study = Study("map-adai-speed", adaptive.adai_speed, config)
    return Map(study, claims, "simulation", "speed", INERTIA, LOOKS, "no curvature, 1 - β₂ = 0.002")


def _adam_left() -> Map:
    """Warm Adam along pairs of directions whose noise is the curvature over B, one twice as large as the other."""
    sizes = Axis("η √(B |h|)", (0.00005, 0.0001, 0.0002, 0.0004, 0.0008, 0.0016))
    looks = Axis("T (1 - β)", (1.0, 4.0, 15.0, 60.0))
    eta, beta = 0.01, 0.9
    points = [{"h": -((x / eta) ** 2), "ratio": 0.25, "B": 1.0, "turn": 0.0} for x in sizes.values[::2]]
    times = [round(x / (1 - beta)) for x in looks.values]
    config = {"eta": eta, "beta": beta, "beta2": 0.998, "hold": 800, **MANY, "points": points, "times": times}
    study = Study("map-adam-saddle", adaptive.adam_spread, config)
    return Map(study, ("adam.saddle-msd",), "simulation", "msd", sizes, looks, "along the axes, 1 - β₂ = 0.002")


def _batches(signal: float, memory: float) -> dict[str, float]:
    """Adam with a small batch, by what it is with one four times as large."""
    factor = 4
    memories = {"beta": 1 - 0.2 / factor, "beta2": 1 - memory / factor}
    return {"eta": 0.01, **memories, "k_batch": factor, "L1": 1.0, "g_std": (factor / signal) ** 0.5}


def _skewed(skewness: float, slow: float) -> dict[str, Any]:
    """A law of two values of mean zero and variance one, by its skewness."""
    chance = (1 + skewness / (4 + skewness**2) ** 0.5) / 2
    values = [-(((1 - chance) / chance) ** 0.5), (chance / (1 - chance)) ** 0.5]
    return {"values": values, "chances": [chance, 1 - chance], "beta": 0.0, "beta2": 1 - slow}


def _gated(id: str, claim: str, up: Axis, points: list[dict[str, float]], fixed: str) -> Map:
    """CProp's scale of one long run for each point, looked at several times."""
    steps = Axis("T", (1.0, 3.0, 10.0, 30.0, 60.0, 200.0, 600.0))
    config = {"points": points, "looks": [round(T) for T in steps.values], "coordinates": 20_000}
    study = Study(f"map-{id}", gates.floors, config)
    return Map(study, (claim,), "simulation", "scale", steps, up, fixed)


def _warm(share: float, c: float) -> dict[str, float]:
    return {"eta": 0.04 * share, "h": 1.0, "C": 1.0, "beta": 0.96, "c": c}


FORGET = Axis("1 - β", (0.003, 0.009, 0.03, 0.1, 0.3))
SIGNALS = Axis("mean / deviation", (0.03, 0.1, 0.3, 1.0))
FLOORS = _gated(
    "cprop-floor",
    "cprop.noise-floor",
    FORGET,
    [{"beta": 1 - x, "snr": 0.0} for x in FORGET.values],
    "gradients of pure noise",
)
SCALING = over(
    "adam-batches",
    [LARGE, ROOT],
    "simulation",
    large_batches.travels,
    "travel",
    _batches,
    spaced("ϰ L₁² / (variance of the gradient)", 0.005, 5.0, 5),
    spaced("ϰ (1 - β₂)", 0.02, 0.8, 5),
    "batches four times as large, ϰ(1 - β) = 0.2",
    particles=1500,
)
MAPS: tuple[Map, ...] = (
    _resting(
        "adam",
        "adam.stationary-variance",
        spaced("η √(B h)", 0.03, 1.5, 5),
        "β = 0, Gaussian noise in proportion to the curvature",
        beta=0.0,
        delta=0.0,
    ),
    _resting(
        "adai",
        "adai.stationary-variance",
        spaced("η h", 0.03, 1.5, 5),
        "κ about 0.1, Gaussian noise",
        beta0=0.1,
        eps=1e-6,
    ),
    _left(),
    _fast(),
    _adam_left(),
    SCALING,
    FLOORS,
    likewise(FLOORS, "square", "cprop.noise-floor-square"),
    _gated(
        "cprop-snr",
        "cprop.snr",
        SIGNALS,
        [{"beta": 0.995, "snr": x} for x in SIGNALS.values],
        "1 - β = 0.005, gradients of a mean by their deviation",
    ),
    over(
        "cprop-heat",
        ["cprop.temperature"],
        "simulation",
        gates.heats,
        "heat",
        _warm,
        spaced("η h / (1 - β)", 0.06, 0.9, 4),
        Axis("c", (0.7, 1.5, 3.0, 6.0)),
        "1 - β = 0.04",
        particles=1200,
    ),
    over(
        "adam-drift",
        ["adashift.drift"],
        "simulation",
        drifts.drifts,
        "drift",
        _skewed,
        Axis("skewness of the gradient", (0.5, 1.0, 2.0, 4.0, 8.0)),
        Axis(SLOW.name, (0.008, 0.02, 0.038, 0.1, 0.3)),
        "β = 0, a law of two values and mean zero",
        coordinates=4000,
        looks=16,
    ),
    over(
        "rare-factors",
        ["adashift.net-factor-adam"],
        "simulation",
        drifts.factor_losses,
        "loss",
        lambda x, y: {"rare": x, "mu": 0.2, "beta2": 1 - y},
        spaced("size of the rare gradient over the common one", 2.1, 30.0, 5),
        Axis(SLOW.name, (0.004, 0.01, 0.02, 0.06, 0.2)),
        "no momentum, a mean of 0.2",
        optimizer="adam",
        coordinates=4000,
        looks=6,
    ),
)

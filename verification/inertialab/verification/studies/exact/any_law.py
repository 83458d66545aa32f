"""Escape of SGD's chain under noise of any law, from τ = 1 + E τ(next place) with the mean over that law."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.backward import backward_passage, noise_points
from inertialab.experiments.system import Noise, System
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.chains import path
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE, metastable, x

STEPS = (1.0, 0.8, 0.64)
"""Learning rates, in units of a point's, from which the exponent is extrapolated."""


def constant_noise(point: Mapping[str, Any], law: str) -> System:
    """SGD in a metastable well under noise of one variance C and a law."""
    well = metastable(1.0, point["ratio"])
    return System(well, Noise.constant(well, point["C"], law), "sgd", {"eta": point["eta"]})


def conditions(system: System) -> dict[str, Any]:
    """The well by its coefficients, where it is climbed, and the noise by values and probabilities."""
    polynomial = sp.Poly(system.landscape.loss, x)
    values, chances = noise_points(system)
    (variance,) = system.noise.variances
    return {
        "potential": [float(c) for c in reversed(polynomial.all_coeffs())],
        "boundaries": [-1.0, 0.0],
        "cumulant": [(float(variance) ** 0.5 * values[0]).tolist(), chances.tolist()],
    }


def mean_time(system: System) -> float:
    """η times the mean number of steps to the edge."""
    eta = float(system.settings["eta"])
    return eta * backward_passage(system, {"x": path(-1.4, -0.75, -0.5, -0.25, 0.4, degree=16)}, {"x": -1.0}, EDGE)


def extrapolated(rates: np.ndarray, logarithms: np.ndarray) -> np.ndarray:
    """Weights and all: Q of ln τ = Q/η + a + bη through three rates, shape of the leading axes of `logarithms`."""
    design = np.stack([1 / rates, np.ones(3), rates], axis=1)
    return np.linalg.solve(design, logarithms[..., None])[..., 0, 0]


def exponents(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Exponents at a learning rate, from the times at three rates: ratio, C, law and eta of each point."""
    rows = []
    for point in points:
        rates = point["eta"] * np.array(STEPS)
        times = [mean_time(constant_noise({**point, "eta": float(eta)}, point["law"])) for eta in rates]
        value = float(extrapolated(rates, np.log(times)) / point["eta"])
        given = conditions(constant_noise(point, point["law"]))
        rows.append(Measurement("exponent", {**point, **given}, Estimate(value)))
        tick()
    return Findings(tuple(rows))


def changes(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Logarithm of the escape time over that in Gaussian noise of the same variance."""
    rows = []
    for point in points:
        system = constant_noise(point, point["law"])
        change = np.log(mean_time(system) / mean_time(constant_noise(point, "gaussian")))
        rows.append(Measurement("change", {**point, **skewed_conditions(system)}, Estimate(float(change))))
        tick()
    return Findings(tuple(rows))


def skewed_conditions(system: System) -> dict[str, Any]:
    """The well and the third and fourth cumulants of the noise."""
    given = conditions(system)
    values, chances = np.array(given.pop("cumulant"))
    square, third, fourth = (float(values**n @ chances) for n in (2, 3, 4))
    return given | {"k3": third, "k4": fourth - 3 * square**2}

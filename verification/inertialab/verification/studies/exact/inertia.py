"""Escape with inertia: the chain of position and buffer of momentum, τ = 1 + E τ(next state) on nodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.backward import Axis, backward_passage
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies import noisy_wells
from inertialab.verification.studies.noisy_wells import as_particle, minibatch, white
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

TOP, DROP = 1.5, 0.5
"""Nodes reach up the wall to this height over the minimum, and down behind the saddle by this, in barriers."""
DEGREES = (14, 18)
BUFFERS = {"momentum-ema": "m_0", "momentum-torch": "b_0"}


def escape_steps(system: System, conditions: Mapping[str, Any], change: tuple[float, ...] = ()) -> float:
    """Mean number of steps over the saddle of a well of barrier one, momentum-ema or momentum-torch.

    Args:
        system: What escapes.
        conditions: D, gamma and M of the minimum; they place the nodes.
        change: Further ends of panels, where the noise changes.
    """
    well = system.landscape
    left, right = _level(well, -1.0, -3.0, TOP), _level(well, 0.0, 1.0, 1 - DROP)
    temperature = conditions["D"] / (conditions["gamma"] * conditions["M"])
    beta = float(system.settings["beta"])
    unit = 1.0 if system.optimizer == "momentum-ema" else 1 / (1 - beta)
    fastest = unit * (2 * (TOP + 0.1) / conditions["M"]) ** 0.5 * conditions["gamma"] * conditions["M"]
    fastest = max(fastest, 4 * (temperature / conditions["M"]) ** 0.5)
    axes = {
        "x": Axis(tuple(sorted({left, -1.0, -0.4, 0.0, right, *change})), DEGREES[0]),
        BUFFERS[system.optimizer]: Axis(tuple(np.linspace(-fastest, fastest, 4).tolist()), DEGREES[1]),
    }
    return backward_passage(system, axes, dict.fromkeys(axes, 0.0) | {"x": -1.0}, right)


def _level(well: Landscape, start: float, end: float, level: float) -> float:
    """Place between two where the loss crosses a level."""
    upwards = well.value([end]) > level
    for _ in range(60):
        middle = (start + end) / 2
        start, end = (start, middle) if (well.value([middle]) > level) == upwards else (middle, end)
    return start


def white_escapes(
    points: Points, optimizer: str, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean escape times of momentum in white noise."""
    rows = []
    for point in points:
        system, conditions = white(optimizer, point)
        conditions |= as_particle(optimizer, point)
        steps = escape_steps(system, conditions)
        rows.append(Measurement("time", conditions, Estimate(point["eta"] * steps)))
        tick()
    return Findings(tuple(rows))


def minibatch_escapes(
    points: Points, optimizer: str, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean escape times of momentum in minibatch noise."""
    rows = []
    for point in points:
        system, conditions, change = minibatch(optimizer, point)
        conditions |= as_particle(optimizer, point)
        conditions |= {"D": point["eta"] * conditions["Ha"] / point["B"] / 2}
        steps = escape_steps(system, conditions, change)
        rows.append(Measurement("time", conditions, Estimate(point["eta"] * steps)))
        tick()
    return Findings(tuple(rows))


def slowing(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean escape time of EMA momentum over that of SGD at the same learning rate and noise."""
    rows = []
    for point in points:
        system, conditions = white("momentum-ema", point)
        steps = escape_steps(system, conditions | as_particle("momentum-ema", point))
        plain, _ = white("sgd", {k: v for k, v in point.items() if k != "beta"})
        right = _level(plain.landscape, 0.0, 1.0, 1 - DROP)
        axis = Axis((-1.6, -1.0, -0.4, 0.0, right), 16)
        ratio = steps / backward_passage(plain, {"x": axis}, {"x": -1.0}, right)
        more = {"potential": noisy_wells.coefficients(plain.landscape), "kappa": 1 - point["beta"]}
        rows.append(Measurement("ratio", conditions | more, Estimate(ratio)))
        tick()
    return Findings(tuple(rows))


def growing_noise(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape time of EMA momentum 1 - kappa over that of SGD's diffusion, noise that depends on the place."""
    rows = []
    for point in points:
        well, variance, conditions = noisy_wells.growing_noise(point)
        system = System(well, Noise((variance,)), "momentum-ema", {"eta": point["eta"], "beta": 1 - point["kappa"]})
        particle = as_particle("momentum-ema", {"eta": point["eta"], "beta": 1 - point["kappa"]})
        largest = max(float(D) for D in np.polynomial.Polynomial(point["D"])(np.array([-1.0, 0.0])))
        steps = escape_steps(system, {"D": largest, **particle})
        plain = System(well, Noise((variance,)), "sgd", {"eta": point["eta"]})
        right = _level(well, 0.0, 1.0, 1 - DROP)
        rows.append(Measurement("ratio", conditions, Estimate(steps / diffusion_passage(plain, -1.0, right).steps)))
        tick()
    return Findings(tuple(rows))

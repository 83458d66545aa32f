"""Escape of the chain that an optimizer is, from its own update map: τ = 1 + E τ(next state) on nodes."""

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.backward import Axis, backward_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.noisy_wells import minibatch, squared_loss, valley
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE, VALLEY_EDGE, metastable

LEFT = -1.7
"""So far up the wall that hardly a particle gets there."""


def path(*places: float, degree: int = 14) -> Axis:
    """Nodes along a well, with panels that end at given places."""
    return Axis(tuple(sorted({LEFT, -1.0, 0.0, EDGE, *places})), degree)


def sgd_minibatches(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean escape time of SGD in minibatch noise."""
    rows = []
    for point in points:
        system, conditions, change = minibatch("sgd", point)
        steps = backward_passage(system, {"x": path(*change, degree=20)}, {"x": -1.0}, EDGE)
        rows.append(Measurement("time", conditions, Estimate(point["eta"] * steps)))
        tick()
    return Findings(tuple(rows))


def adam_minibatches(
    points: Points, power: float, follows: bool, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean escape time of Adam without momentum in minibatch noise, chain of position and second moment.

    Args:
        points: ratio, s, B and settings.
        power: Of 1/C, as for `minibatch`.
        follows: Whether nodes for the second moment reach over all its values, or only a little around the minimum's.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    rows = []
    for point in points:
        system, conditions, change = minibatch("adam", point, power, beta=0.0, delta=0.0)
        at_minimum, at_saddle = (conditions[h] / point["B"] for h in ("Ha", "Hb"))
        spread = (1 - point["beta2"]) ** 0.5  # standard deviation of v over its mean
        if follows:
            low, high = sorted((at_minimum, at_saddle))
            values = np.geomspace(low * np.exp(-6 * spread), high * np.exp(6 * spread), 3)
        else:
            values = at_minimum * (1 + (0.03 + 8 * spread) * np.arange(-1, 2))
        axes = {"x": path(*change), "v_0": Axis(tuple(map(float, values)), 12)}
        steps = backward_passage(system, axes, {"x": -1.0, "v_0": at_minimum}, EDGE)
        more = {"beta": 0.0, "detHa": conditions["Ha"], "detHb": conditions["Hb"]}
        rows.append(Measurement("time", {**conditions, **more}, Estimate(point["eta"] * steps)))
        tick()
    return Findings(tuple(rows))


def loss_noise(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape of SGD under noise in proportion to the loss, in units of 2π/√(H_aH_b): eta, B, h, L_a, ratio."""
    rows = []
    for point in points:
        system, conditions, unit = squared_loss(point)
        steps = backward_passage(system, {"x": path(-1.4, -0.7, -0.4, -0.2, degree=16)}, {"x": -1.0}, EDGE)
        rows.append(Measurement("time", conditions, Estimate(point["eta"] * steps / unit)))
        tick()
    return Findings(tuple(rows))


def valleys(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape of SGD with a transverse direction over that of the path alone: the chain in the plane."""
    rows = []
    for point in points:
        system, conditions = valley(point)
        alone = System(metastable(1.0, point["ratio"]), Noise(system.noise.variances[:1]), "sgd", {"eta": point["eta"]})
        along = Axis((-1.6, -1.0, -0.5, 0.0, VALLEY_EDGE), 14)
        width = 7 * (point["eta"] / (2 * point["B"])) ** 0.5
        axes = {"x": along, "y": Axis((-width, 0.0, width), 10)}
        wide = backward_passage(system, axes, {"x": -1.0, "y": 0.0}, VALLEY_EDGE, hermite=8)
        factor = wide / backward_passage(alone, {"x": along}, {"x": -1.0}, VALLEY_EDGE)
        claimed = {"integral": conditions.pop("integral")}
        rows.append(Measurement("factor", {**conditions, **claimed}, Estimate(factor)))
        rows.append(Measurement("over", {**conditions, **claimed}, Estimate(factor / np.exp(claimed["integral"] / 2))))
        tick()
    return Findings(tuple(rows))


def zero_noise(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """How the mean number of steps to the saddle grows with 1/η at fixed B/η, when C = |L''|/B: a local power.

    From the times at a learning rate and at half of it; panels narrow down to a small part of a step at the zero.
    """
    rows = []
    for point in points:
        well = metastable(1.0, point["ratio"])
        zero = _inflection(well)
        times = []
        for share in (1.0, 0.5):
            eta, B = share * point["eta"], share * point["B"]
            (curvature,) = well.curvatures[0]
            system = System(well, Noise((sp.Abs(curvature) / sp.Float(B, 17),)), "sgd", {"eta": eta})
            near = np.geomspace(1e-2 * eta, 0.4, 14)
            inside = [e for e in (*(zero - near), zero, *(zero + near)) if -0.95 < e < -0.05]
            axis = Axis((-1.6, -1.2, -1.0, *sorted(inside), 0.0), 8)
            times.append(backward_passage(system, {"x": axis}, {"x": -1.0}, 0.0, hermite=60))
        slope, third = (abs(float(e.subs(well.coordinates[0], zero))) for e in _derivatives(well))
        power = float(np.log(times[1] / times[0]) / np.log(2))
        rows.append(Measurement("power", {**point, "L1": slope, "L3": third}, Estimate(power)))
        tick()
    return Findings(tuple(rows))


def _derivatives(well: Landscape) -> tuple[sp.Expr, sp.Expr]:
    (place,) = well.coordinates
    return sp.diff(well.loss, place), sp.diff(well.loss, place, 3)


def _inflection(well: Landscape) -> float:
    """Where the curvature vanishes between minimum and saddle."""
    low, high = -1.0, 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if well.hessian([middle])[0, 0] > 0 else (low, middle)
    return (low + high) / 2

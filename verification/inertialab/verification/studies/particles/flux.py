"""Escape too rare to be counted: forward flux on the full state of the package's own update rules.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.flux import forward_flux
from inertialab.experiments.passage import chain_passage, diffusion_passage
from inertialab.experiments.system import Noise, System
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.noisy_wells import (
    adai_pair,
    as_particle,
    growing_noise,
    minibatch,
    squared_loss,
    valley,
    white,
)
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE, VALLEY_EDGE, curvatures, metastable

FAMILIES = 8
"""Replicates that share the loops of a run."""


def escape_time(
    system: System,
    rng: np.random.Generator,
    tick: Tick,
    *,
    relaxation: float,
    particles: int,
    replicates: int,
    wanted: float,
    states: Mapping[str, Any] | None = None,
    start: tuple[float, ...] = (-1.0,),
    boundary: float = EDGE,
    height: sp.Expr | None = None,
) -> Estimate:
    """Mean time η·steps from a minimum over a boundary, with the spread of the replicates.

    Args:
        system: What escapes.
        rng: Source of the seed.
        tick: Called after each replicate.
        relaxation: Steps in which a particle forgets where in the well it was.
        particles: Trials at each level of a run of several replicates.
        replicates: Their number at most.
        wanted: Relative standard error at which no more are made.
        states: Where other states of the optimizer start, as after many steps.
        start: Minimum.
        boundary: Of the first coordinate, or of the height.
        height: As for `forward_flux`.
    """
    # An average over ever more steps loses its digits in single precision: 1 - beta2 by 1.5% here, of which a climb of
    # ten thousand steps sees one in fifty.
    slow = 1 - float(system.settings.get("beta2", 0.0)) < 2e-6
    found = forward_flux(
        system,
        start=start,
        boundary=boundary,
        height=height,
        seed=int(rng.integers(2**62)),
        particles=particles,
        replicates=replicates,
        wanted=wanted,
        families=FAMILIES if replicates % FAMILIES == 0 else 1,
        states=states,
        age=10**9 if states else 0,
        precision=np.float64 if slow else np.float32,
        forget=max(1000, 100 * int(np.ceil(relaxation / 20))),
        tick=lambda _: tick(),
    )
    value = float(system.settings["eta"]) * found.steps
    return Estimate(value, value * found.error, found.replicates, found.share)


def white_escapes(
    points: Points,
    optimizer: str,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of SGD or momentum in white noise."""
    rows = []
    for point in points:
        system, conditions = white(optimizer, point)
        conditions |= as_particle(optimizer, point) if "beta" in point else {}
        relaxation = 1 / (point["eta"] * conditions["Ha"]) + 10 / (1 - point.get("beta", 0.0))
        time = escape_time(
            system, rng, tick, relaxation=relaxation, particles=particles, replicates=replicates, wanted=wanted
        )
        rows.append(Measurement("time", conditions, time))
    return Findings(tuple(rows))


def white_scatter(seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any) -> Findings:
    """Scatter of mean escape times over their claimed errors."""
    return scatter(white_escapes, seeds, rng=rng, device=device, tick=tick, **config)


def momentum_minibatches(
    points: Points,
    optimizer: str,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of momentum in minibatch noise, D that of the minimum."""
    rows = []
    for point in points:
        system, conditions, _ = minibatch(optimizer, point)
        relaxation = 1 / (point["eta"] * conditions["Ha"]) + 10 / (1 - point["beta"])
        time = escape_time(
            system, rng, tick, relaxation=relaxation, particles=particles, replicates=replicates, wanted=wanted
        )
        conditions |= as_particle(optimizer, point) | {"D": point["eta"] * conditions["Ha"] / point["B"] / 2}
        rows.append(Measurement("time", conditions, time))
    return Findings(tuple(rows))


def sgd_minibatches(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of SGD in minibatch noise."""
    rows = []
    for point in points:
        system, conditions, _ = minibatch("sgd", point)
        relaxation = 1 / (point["eta"] * conditions["Ha"])
        time = escape_time(
            system, rng, tick, relaxation=relaxation, particles=particles, replicates=replicates, wanted=wanted
        )
        rows.append(Measurement("time", conditions, time))
    return Findings(tuple(rows))


def adam_minibatches(
    points: Points,
    power: float,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of Adam in minibatch noise, `power` as for `noisy_wells.minibatch`."""
    rows = []
    for point in points:
        system, conditions, _ = minibatch("adam", point, power, delta=0.0)
        second = conditions["Ha"] / point["B"]
        rate = point["eta"] * conditions["Ha"] / second**0.5
        time = escape_time(
            system,
            rng,
            tick,
            relaxation=1 / rate,
            particles=particles,
            replicates=replicates,
            wanted=wanted,
            states={"v": second * (1 + rate / 2)},  # noise, and the mean squared slope of a particle at rest
        )
        more = {"detHa": conditions["Ha"], "detHb": conditions["Hb"]}
        rows.append(Measurement("time", {**conditions, **more}, time))
    return Findings(tuple(rows))


def valleys(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of SGD with a transverse direction over that of the path alone, whose chain is solved."""
    rows = []
    for point in points:
        system, conditions = valley(point)
        rise = conditions.pop("integral")
        alone = System(metastable(1.0, point["ratio"]), Noise(system.noise.variances[:1]), "sgd", {"eta": point["eta"]})
        plain = chain_passage(alone, -1.0, VALLEY_EDGE).steps * point["eta"]
        slowest = min(curvatures(alone.landscape)["Ha"], point["stiff"])
        time = escape_time(
            system,
            rng,
            tick,
            relaxation=1 / (point["eta"] * slowest),
            particles=particles,
            replicates=replicates,
            wanted=wanted,
            start=(-1.0, 0.0),
            boundary=VALLEY_EDGE,
        )
        rows.append(Measurement("factor", conditions, time.scaled(1 / plain)))
        rows.append(Measurement("over", conditions, time.scaled(1 / plain / float(np.exp(rise / 2)))))
    return Findings(tuple(rows))


def loss_noise(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of SGD under noise in proportion to the loss, in units of 2π/√(H_aH_b)."""
    rows = []
    for point in points:
        system, conditions, unit = squared_loss(point)
        relaxation = 1 / (point["eta"] * float(system.landscape.hessian([-1.0])[0, 0]))
        time = escape_time(
            system, rng, tick, relaxation=relaxation, particles=particles, replicates=replicates, wanted=wanted
        )
        rows.append(Measurement("time", conditions, time.scaled(1 / unit)))
    return Findings(tuple(rows))


def adai_minibatches(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of Adai in minibatch noise, its inertia that of the minimum."""
    rows = []
    for point in points:
        plain, conditions, _ = minibatch("sgd", {k: v for k, v in point.items() if k != "kappa"})
        system, states = adai_pair(plain.landscape, plain.noise.variances[0], point)
        relaxation = 1 / (point["eta"] * conditions["Ha"]) + 10 / point["kappa"]
        time = escape_time(
            system,
            rng,
            tick,
            relaxation=relaxation,
            particles=particles,
            replicates=replicates,
            wanted=wanted,
            states=states,
            start=(-1.0, 0.0),
        )
        rows.append(Measurement("time", {**conditions, "kappa": point["kappa"]}, time))
    return Findings(tuple(rows))


def adai_growing_noise(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of Adai over that of SGD's diffusion, noise that depends on the place."""
    rows = []
    for point in points:
        well, variance, conditions = growing_noise(point)
        system, states = adai_pair(well, variance, point)
        plain = diffusion_passage(System(well, Noise((variance,)), "sgd", {"eta": point["eta"]}), -1.0, VALLEY_EDGE)
        time = escape_time(
            system,
            rng,
            tick,
            relaxation=1 / (point["eta"] * float(well.hessian([-1.0])[0, 0])) + 10 / point["kappa"],
            particles=particles,
            replicates=replicates,
            wanted=wanted,
            states=states,
            start=(-1.0, 0.0),
            boundary=VALLEY_EDGE,
        )
        rows.append(Measurement("ratio", conditions, time.scaled(1 / plain.steps / point["eta"])))
    return Findings(tuple(rows))

"""How long Adam takes to climb a parabola, by forward flux on its full state: exponents of several hundred.

The loops are compiled for the CPU, whatever the device.
"""

import numpy as np
import torch

from inertialab.experiments.flux import forward_flux
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import quadratic
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

SCOUTS = 1024


def exponents(
    points: Points, particles: int, families: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Exponents of Adam's first passage through a height of a parabola under noise H/B.

    That is the logarithm of the mean time in units of the relaxation time; what it holds beside the exponent does not
    grow with it. Replicates scatter by several units, since all that get up descend from few: their logarithms are
    averaged.

    Args:
        points: `Ha`, `B`, `dL` and the settings `eta`, `beta`, `beta2`.
        particles: Trials at each level of a replicate.
        families: Number of replicates, made side by side.
        rng: Source of the seeds.
        device: Not used.
        tick: Called after each point.
    """
    rows = []
    for point in points:
        H, noise = point["Ha"], point["Ha"] / point["B"]
        parabola, rate = quadratic([[H]]), point["eta"] * H / noise**0.5
        settings = {"eta": point["eta"], "beta": point["beta"], "beta2": point["beta2"], "delta": 0.0}
        found = forward_flux(
            System(parabola, Noise.constant(parabola, noise), "adam", settings),
            start=(0.0,),
            boundary=(2 * point["dL"] / H) ** 0.5,
            seed=int(rng.integers(2**62)),
            particles=particles * families,
            replicates=families,
            families=families,
            scouts=SCOUTS,
            chance=0.2,
            states={"v": noise},
            age=10**9,
            forget=100 * int(np.ceil(max(10, 5 / rate / 100))),
        )
        rows.append(Measurement("exponent", dict(point), Estimate.mean(np.log(rate) - np.array(found.log_rates))))
        tick()
    return Findings(tuple(rows))

"""Systems of escape studies: a well, noise in proportion to the curvature of its ends, and an optimizer."""

import math
from collections.abc import Mapping
from typing import Any

import sympy as sp

from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape
from inertialab.verification.studies.wells import curvatures, metastable, two_levels, x

OWN = ("ratio", "barrier", "s", "B", "D")
"""Conditions of a point that are not settings of the optimizer."""


def settings_of(point: Mapping[str, Any], **more: float) -> dict[str, float]:
    """The optimizer's settings among the conditions of a point."""
    return {k: v for k, v in point.items() if k not in OWN} | more


def minibatch(
    optimizer: str, point: Mapping[str, Any], power: float = 1.0, **settings: float
) -> tuple[System, dict[str, float], tuple[float, float]]:
    """A well whose noise is that of batches: C = H/B at minimum and saddle.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        point: `ratio` of the curvatures at minimum and saddle, `barrier` if it is not 1, `B`, `s`, and the optimizer's
            settings.
        power: Of 1/C, which changes over symmetrically around the height s.
        **settings: Further settings.

    Returns:
        The system, the conditions of a measurement, and where the noise changes.
    """
    well = metastable(point.get("barrier", 1.0), point["ratio"])
    ends = curvatures(well)
    levels = ends["Ha"] / point["B"], ends["Hb"] / point["B"]
    variance, change = two_levels(well, *levels, point["s"], sp.nsimplify(power))
    system = System(well, Noise((variance,)), optimizer, settings_of(point, **settings))
    return system, {**point, **ends}, change


def white(optimizer: str, point: Mapping[str, Any], **settings: float) -> tuple[System, dict[str, float]]:
    """A well of barrier one in noise of diffusion D = ηC/2 everywhere.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        point: `ratio` of the curvatures at minimum and saddle, `D`, and the optimizer's settings.
        **settings: Further settings.

    Returns:
        The system, and the conditions of a measurement.
    """
    well = metastable(1.0, point["ratio"])
    noise = Noise.constant(well, 2 * point["D"] / point["eta"])
    return System(well, noise, optimizer, settings_of(point, **settings)), {**point, **curvatures(well)}


def as_particle(optimizer: str, point: Mapping[str, Any]) -> dict[str, float]:
    """Friction gamma and inertia M of the equation of motion that momentum is matched with."""
    eta, beta = point["eta"], point["beta"]
    share = {"momentum-ema": 1 - beta, "momentum-torch": 1.0}[optimizer]
    return {"gamma": (1 - beta) / eta, "M": eta / share}


def valley(point: Mapping[str, Any]) -> tuple[System, dict[str, Any]]:
    """SGD in a well with a direction across, of curvature h(x), whose noise is h/B; along the path it is constant.

    Args:
        point: `ratio` of the curvatures on the path, `stiff` and `growth` of h = stiff·(1 + growth·(x + 1)), `D` along
            the path, `eta` and `B`.

    Returns:
        The system, and conditions: potential and transverse by coefficients, and ∫h'/c over the path, c = 2BD/η.
    """
    path = metastable(1.0, point["ratio"])
    across = sp.Float(point["stiff"], 17) * (1 + sp.Float(point["growth"], 17) * (x + 1))
    y = sp.Symbol("y", real=True)
    loss = path.loss + across * y**2 / 2
    place = Landscape("valley", loss, (x, y), minimum=(*path.minimum, sp.S.Zero), saddle=(*path.saddle, sp.S.Zero))
    noise = Noise((sp.Float(2 * point["D"] / point["eta"], 17), across / sp.Float(point["B"], 17)))
    lists = {
        name: [float(c) for c in reversed(sp.Poly(e, x).all_coeffs())]
        for name, e in (("potential", path.loss), ("transverse", across))
    }
    rise = point["stiff"] * point["growth"] / (2 * point["B"] * point["D"] / point["eta"])
    return System(place, noise, "sgd", {"eta": point["eta"]}), {**point, **lists, "integral": rise}


def squared_loss(point: Mapping[str, Any]) -> tuple[System, dict[str, Any], float]:
    """SGD under noise in proportion to a loss, C = 2hL/B, that is L_a at the minimum and 1 more at the saddle.

    Args:
        point: `ratio` of the curvatures, `L_a`, `h`, `B` and `eta`.

    Returns:
        The system, the conditions of a measurement, and the unit 2π/√(H_aH_b) of its time.
    """
    well = metastable(1.0, point["ratio"])
    ends = curvatures(well)
    # Behind the saddle the loss falls and would vanish; the noise stays what it is at the saddle, beyond return.
    level = sp.Piecewise((well.loss, x < 0), (sp.S.One, True)) + sp.Float(point["L_a"], 17)
    noise = Noise((sp.Float(2 * point["h"] / point["B"], 17) * level,))
    system = System(well, noise, "sgd", {"eta": point["eta"]})
    unit = 2 * math.pi / (ends["Ha"] * ends["Hb"]) ** 0.5
    return system, {**point, "L_b": point["L_a"] + ends["dL"]}, unit


def growing_noise(point: Mapping[str, Any]) -> tuple[Landscape, sp.Expr, dict[str, Any]]:
    """A well whose noise has the diffusion D(x), a polynomial.

    Args:
        point: `ratio` of the curvatures, `D` by its coefficients, and `eta`.

    Returns:
        The well, the variance of the gradient, and conditions with the potential by its coefficients.
    """
    well = metastable(1.0, point["ratio"])
    variance = sum((sp.Float(2 * d / point["eta"], 17) * x**n for n, d in enumerate(point["D"])), sp.S.Zero)
    return well, variance, {**point, "potential": coefficients(well)}


def coefficients(well: Landscape) -> list[float]:
    """Those of the loss of a well that is a polynomial, lowest power first."""
    return [float(c) for c in reversed(sp.Poly(well.loss, x).all_coeffs())]


def adai_pair(well: Landscape, variance: sp.Expr, point: Mapping[str, Any]) -> tuple[System, dict[str, list[float]]]:
    """Adai on a well beside a parabola of the same curvature and noise, so that the mean inertia is that of both.

    Args:
        well: On a line, minimum at -1.
        variance: Of the gradient along it.
        point: `eta` and `kappa`.

    Returns:
        The system, with a second moment that changes within a hundred thousand steps, and the states of a long run.
    """
    y = sp.Symbol("y", real=True)
    at_minimum, bend = float(variance.subs(x, -1)), float(well.hessian([-1.0])[0, 0])
    loss = well.loss + sp.Float(bend, 17) * y**2 / 2
    place = Landscape("well beside a parabola", loss, (x, y), minimum=(-sp.S.One, sp.S.Zero))
    settings = {"eta": point["eta"], "beta0": point["kappa"], "beta2": 1 - 1e-5, "eps": 1e-3}
    system = System(place, Noise((variance, sp.Float(at_minimum, 17))), "adai", settings)
    return system, {"v": [at_minimum, at_minimum], "q": [1.0, 1.0]}

"""Escapes that could never be counted are refused before anything runs, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System

SUMMING = ("heavy-ball", "momentum-torch")
"""Rows whose momentum sums gradients, which multiplies the learning rate of a slow motion by 1/(1 - β)."""


def checked(system: System, start: np.ndarray, *ends: tuple[float, int], height: float | None = None) -> None:
    """Refuse what could never give an escape time, before anything runs.

    Args:
        system: What is simulated.
        start: Where particles start, shape (d,).
        ends: Boundaries, each with 1 if it is passed upwards, -1 downwards.
        height: Of the start, where boundaries are heights and not positions of the first coordinate.

    Raises:
        ValueError: If a boundary lies on the wrong side, the step is unstable where particles start, no noise
            drives them, or bounded noise does not carry them there.
    """
    first = float(start[0]) if height is None else height
    for boundary, sign in ends:
        if not sign * (boundary - first) > 0:
            side, way = ("above", "upwards") if sign > 0 else ("below", "downwards")
            raise ValueError(
                f"A particle at {first:g} has already passed {boundary:g} {way}; "
                f"the boundary must lie {side} the start."
            )
    eta, limit = float(system.settings["eta"]), _limit(system)
    curvature = float(np.linalg.eigvalsh(system.landscape.hessian(list(start))).max())
    if limit and eta * curvature >= limit:
        raise ValueError(
            f"eta times the curvature at the start is {eta * curvature:.3g}: {system.optimizer} is unstable from "
            f"{limit:g} on, and leaves without any noise. Take eta below {limit / curvature:.3g}."
        )
    if height is None:
        _reachable(system, first, ends)
    numbers = dict(zip(system.landscape.coordinates, start, strict=True))
    if all(float(v.subs(numbers)) <= 0 for v in system.noise.variances):
        raise ValueError("There is no noise where the particles start, so nothing drives them over the barrier.")


def _limit(system: System) -> float:
    """Learning rate times curvature from which a minimum is unstable; 0 where it is not known."""
    if system.optimizer == "sgd":
        return 2.0
    if system.optimizer not in ("momentum-ema", *SUMMING):
        return 0.0
    beta = float(system.settings["beta"])
    return 2 * (1 + beta) / (1 if system.optimizer in SUMMING else 1 - beta)


def _reachable(system: System, start: float, ends: Sequence[tuple[float, int]]) -> None:
    """Refuse bounded noise that is too weak against the slope, for SGD in one dimension.

    The farthest place is found by steps with the most favourable noise from everywhere that was reached.
    """
    law = system.law
    if not law.ends or system.optimizer != "sgd" or len(system.landscape.coordinates) != 1:
        return
    eta = float(system.settings["eta"])
    reach, found = {-1: start, 1: start}, {}
    while reach != found:
        if any(sign * (reach[sign] - boundary) >= 0 for boundary, sign in ends):
            return
        found = reach
        x = np.linspace(reach[-1], reach[1], 2001)
        moved = [x - eta * (system.slope(x) + np.sqrt(system.variance(x)) * z) for z in law.ends]
        reach = {-1: min(found[-1], float(np.min(moved))), 1: max(found[1], float(np.max(moved)))}
    boundary, sign = ends[0]
    raise ValueError(
        f"Noise of the law {system.noise.law!r} is bounded, and the slope lets no particle go beyond "
        f"{reach[sign]:.4g}; the boundary {boundary:g} is never reached. Take more noise or a larger step."
    )


def worthwhile(system: System, start: np.ndarray, boundary: float, sign: int, exposure: int) -> None:
    """Refuse a count that would see nothing, where the time can be known beforehand.

    Raises:
        ValueError: If less than one passage in a thousand such runs is to be expected.
    """
    logarithm = _expected(system, start, boundary, sign)
    if logarithm > np.log(1e3 * exposure):
        raise ValueError(
            f"An escape takes at least about 1e{logarithm / np.log(10):.0f} steps, and {exposure:.1g} particle-steps "
            "would see none; lower the barrier, or use forward_flux (--method flux)."
        )


def _expected(system: System, start: np.ndarray, boundary: float, sign: int) -> float:
    """Logarithm of what the number of steps to an escape is not below, but for a prefactor; 0 where nothing is known.

    A path of SGD costs the exponent Σ|Δθ + η∇L|²/(2η²Λ), with Λ the largest eigenvalue of the covariance times the
    proxy of the law. Where curvatures are at most M, here on the straight way up, a step costs at least
    (1 - ηM/2)(L(θ + Δθ) - L(θ))/(ηΛ/2), since |Δθ + η∇L|² - 4ηc(∇L·Δθ + M|Δθ|²/2) is a square for c = 1 - ηM/2; so
    neither noise that differs by direction nor a detour makes an escape cheaper than the rise over the temperature
    ηΛ/2. Momentum changes that temperature and the greatest stable ηM by known factors, and inertia only slows
    particles down (Kramers). On a line the passage of the diffusion says more, for noise that depends on the position
    too. One jump of a heavy-tailed law carries a particle over any barrier: no exponent is known.
    """
    proxy, limit, eta = system.law.proxy, _limit(system), float(system.settings["eta"])
    if not np.isfinite(proxy) or not limit:
        return 0.0
    landscape, C = system.landscape, proxy * system.noise.matrix
    if system.optimizer == "sgd" and len(start) == 1 and sign > 0:
        even = replace(system, noise=Noise((C[0, 0],)))
        steps = diffusion_passage(even, float(start[0]), boundary).log_steps
        return _narrowed(system, start, np.array([boundary])) * steps
    if not landscape.saddle or C.free_symbols:
        return 0.0
    saddle = landscape.numbers(landscape.saddle)
    if not sign * (boundary - saddle[0]) > 0 > sign * (start[0] - saddle[0]):
        return 0.0
    heat = 1 / (1 - float(system.settings["beta"])) if system.optimizer in SUMMING else 1.0
    temperature = eta * heat * float(np.linalg.eigvalsh(np.array(C, dtype=float)).max()) / 2
    rise = float(landscape.value(list(saddle)) - landscape.value(list(start)))
    return _narrowed(system, start, saddle) * rise / temperature


def _narrowed(system: System, start: np.ndarray, end: np.ndarray) -> float:
    """Share of the exponent that steps leave over: 1 - ηM/2, or with the limit of momentum; 0 where none is left."""
    way = start[:, None] + np.linspace(0, 1, 101) * (end - start)[:, None]
    curvature = np.linalg.eigvalsh(np.moveaxis(system.landscape.hessian(list(way)), -1, 0)).max()
    return float(np.clip(1 - float(system.settings["eta"]) * curvature / _limit(system), 0, 1))

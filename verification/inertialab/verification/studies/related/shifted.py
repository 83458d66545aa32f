"""AdaShift and Adam without randomness: gradients that come back periodically, and steps on a parabola."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from inertialab.optim import OPTIMIZERS
from inertialab.optim.adashift import AdaShift
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

MEMORIES = 36.0
"""Memories of the slower average after which nothing of the start is left in a double."""
TINY = 1e-30
SETTLED = 600.0
"""Memories of a deviation from the cycle."""
APART = 1e-4
"""Relative size of the deviations that derivatives are taken by."""
Make = Callable[[list[Tensor]], Optimizer]


def adashift(eta: float, beta: float, beta2: float, delta: float, lag: int) -> Make:
    """AdaShift whose second moment lags by so many steps; Adam for none."""
    if lag:
        return lambda p: AdaShift(p, eta, (beta, beta2), delta, shift=lag, reduction="none")
    return lambda p: OPTIMIZERS["adam"].make(p, eta=eta, beta=beta, beta2=beta2, delta=delta)


def displacements(make: Make, gradients: Iterable[float]) -> np.ndarray:
    """Displacement by each of a sequence of steps of one parameter, which does not change its gradient."""
    theta = torch.zeros(1, dtype=torch.float64)
    stepper, found = make([theta]), []
    for gradient in gradients:
        theta.zero_()
        theta.grad = torch.tensor([gradient], dtype=torch.float64)
        stepper.step()
        found.append(float(theta))
    return np.array(found)


def periodic(rare: float, d: int, beta: float, beta2: float, lag: int) -> np.ndarray:
    """Displacements over the last of many periods of one rare and d - 1 common gradients, learning rate one."""
    periods = int(np.ceil(MEMORIES / (1 - max(beta, beta2)) / d)) + 2 + lag // d
    gradients = [rare] + [-1.0] * (d - 1)
    return displacements(adashift(1.0, beta, beta2, TINY, lag), gradients * periods)[-d:]


def net_updates(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Way down over a period, without momentum, of AdaShift and of Adam; rare, d, beta2 and lag of each point.

    For Adam, whose second moment holds the newest gradient, the conditions name a lag of a period.
    """
    rows = []
    for point in points:
        given = _numbers(point)
        for optimizer, run, named in (("adashift", given["lag"], given["lag"]), ("adam", 0, given["d"])):
            way = -periodic(beta=0.0, **{**given, "lag": run}).sum()
            conditions = {**point, "lag": named, "optimizer": optimizer}
            rows.append(Measurement("way", conditions, Estimate(float(way))))
        tick()
    return Findings(tuple(rows))


def net_factor(rare: float, d: int, beta: float, beta2: float, lag: int, place: int) -> float:
    """Way down that one of periodic gradients makes over all steps, for its size, learning rate one.

    With its sign turned, once, all second moments are the same, and all steps differ by what it gives to them.

    Args:
        rare: Size of the rare gradient at the start of a period.
        d: Length of the period.
        beta: Of the first moment.
        beta2: Of the second moment.
        lag: Of AdaShift; 0 for Adam.
        place: Of the gradient in its period.
    """
    settled = (int(np.ceil(MEMORIES / (1 - beta2) / d)) + 2 + lag // d) * d
    after = d * (int(np.ceil(MEMORIES / (1 - beta) / d)) + 1)
    gradients = np.tile([rare] + [-1.0] * (d - 1), (settled + after) // d)
    turned = gradients.copy()
    turned[settled + place] *= -1
    make = adashift(1.0, beta, beta2, TINY, lag)
    apart = displacements(make, turned.tolist()) - displacements(make, gradients.tolist())
    return float(apart.sum() / (2 * gradients[settled + place]))


def net_factors(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Net factors of all gradients of a period under Adam, and under AdaShift without momentum.

    For AdaShift the conditions name the age that the rare gradient has in the second moment.
    """
    rows = []
    for point in points:
        given = _numbers(point)
        for place in range(given["d"]):
            adam = {**point, "age": place, "optimizer": "adam"}
            rows.append(Measurement("factor", adam, Estimate(net_factor(**{**given, "lag": 0}, place=place))))
            shifted = {**point, "beta": 0.0, "age": (place - given["lag"]) % given["d"], "optimizer": "adashift"}
            rows.append(Measurement("factor", shifted, Estimate(net_factor(**{**given, "beta": 0.0}, place=place))))
            tick()
    return Findings(tuple(rows))


def same_steps(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Steps of AdaShift that lags by a period over those of Adam: the smallest and the largest ratio of a period."""
    rows = []
    for point in points:
        given = _numbers(point)
        shifted, plain = (periodic(**given, lag=lag) for lag in (given["d"], 0))
        ratios = shifted / plain
        rows += [Measurement("ratio", point, Estimate(float(r))) for r in (ratios.min(), ratios.max())]
        tick()
    return Findings(tuple(rows))


def _numbers(point: Any) -> dict[str, Any]:
    return {name: int(x) if name in ("d", "lag") else float(x) for name, x in point.items()}


def cycles(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Distance from the minimum of a parabola at which AdaShift, with a lag of one, goes on from side to side.

    It starts anywhere within a learning rate of the minimum, and must have come to rest in its distance. The
    condition `unit` is what a distance of zero is measured by, a learning rate.
    """
    rows = []
    for point in points:
        theta = torch.tensor(rng.uniform(0.1, 1.0, 8) * point["eta"], dtype=torch.float64)
        stepper = adashift(point["eta"], 0.0, point["beta2"], point["delta"], 1)([theta])
        before = theta.clone()
        for _ in range(int(SETTLED / (1 - point["beta2"]))):
            theta.grad = point["h"] * theta
            before = theta.clone()
            stepper.step()
        ends = torch.cat([theta.abs(), before.abs()])
        conditions = {**point, "unit": point["eta"]}
        rows += [Measurement("radius", conditions, Estimate(float(x))) for x in (ends.min(), ends.max())]
        tick()
    return Findings(tuple(rows))


def held(point: Any, places: np.ndarray, sizes: np.ndarray, free: int) -> np.ndarray:
    """Places at the start and after each of some free steps on a parabola, shape (free + 1, n).

    Before, gradients of h times `sizes` of alternating sign have filled the second moment.
    """
    theta, sizes_ = (torch.tensor(x, dtype=torch.float64) for x in (places, sizes))
    stepper = adashift(point["eta"], 0.0, point["beta2"], point["delta"], 1)([theta])
    wait = 2 * int(np.ceil(MEMORIES / (1 - point["beta2"]) / 2))
    for step in range(wait):
        theta.grad = (-1) ** step * point["h"] * sizes_
        stepper.step()
    theta.copy_(torch.tensor(places, dtype=torch.float64))
    seen = [places]
    for _ in range(free):
        theta.grad = point["h"] * theta
        stepper.step()
        seen.append(theta.numpy().copy())
    return np.array(seen)


def radius_of(point: Any) -> float:
    """Distance from which a step ends at the same distance on the other side, by intervals cut into ten."""
    low, high = 0.0, point["eta"]
    for _ in range(14):
        r = np.linspace(low, high, 11)[1:]
        over = held(point, r, r, 1)[1] + r > 0  # not yet on the other side as far
        first = int(np.argmax(over))
        low, high = (r[first - 1] if first else low), float(r[first])
    return (low + high) / 2


def cycle_factors(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Root of the determinant of two steps of AdaShift about its cycle: how place and second moment deviate."""
    rows = []
    for point in points:
        r = radius_of(point)
        near = APART * r
        places, sizes = r + near * np.array([1, -1, 0, 0]), r + near * np.array([0, 0, 1, -1])
        seen = held(point, places, sizes, 3)
        root = point["eta"] * point["h"] * seen[2] / (seen[2] - seen[3]) - point["delta"]
        after = np.stack([seen[2], root / point["h"]])  # the root of the second moment as a place
        jacobian = (after[:, [0, 2]] - after[:, [1, 3]]) / (2 * near)
        rows.append(Measurement("factor", point, Estimate(float(abs(np.linalg.det(jacobian)) ** 0.5))))
        tick()
    return Findings(tuple(rows))

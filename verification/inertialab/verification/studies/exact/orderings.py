"""Epochs of a few minibatches in every ordering, and gradient flow on their mean loss."""

from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor
from torch.func import grad, vmap

from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def every_ordering(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean place of SGD after an epoch over all orderings, minus that of gradient flow after the same time.

    Args:
        points: `eta`, `n_batches` and the `case` that the losses are drawn by.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        shapes = losses(int(point["case"]), int(point["n_batches"]))
        orders = torch.tensor(list(permutations(range(len(shapes)))))
        ends = epochs(shapes, orders, point["eta"])
        excess = float(ends.mean()) - flow(int(point["case"]), len(shapes), point["eta"])
        found.append(Measurement("excess", {**point, **about(shapes)}, Estimate(excess)))
        tick()
    return Findings(tuple(found))


def losses(case: int, number: int) -> Tensor:
    """Amplitude, inverse width and minimum of every minibatch's loss, shape (number, 3)."""
    rng = np.random.default_rng([case, number])
    columns = (rng.uniform(0.5, 2, number), rng.uniform(0.3, 1, number), rng.normal(0.5, 1, number))
    return torch.tensor(np.stack(columns, axis=1))


def loss(theta: Tensor, shape: Tensor) -> Tensor:
    """A rounded valley: parabola near its minimum, straight far away."""
    amplitude, width, minimum = shape.unbind(-1)
    reach = width * (theta - minimum)
    return amplitude * torch.log(torch.cosh(reach))


def about(shapes: Tensor) -> dict[str, float]:
    """What the gradients of the minibatches are at the start, θ = 0."""
    start = torch.zeros(len(shapes), dtype=torch.float64)
    slopes, curvatures = (vmap(f)(start, shapes) for f in (grad(loss), grad(grad(loss))))
    squares = float((2 * slopes * curvatures).mean())
    top = float((shapes[:, 0] * shapes[:, 1] ** 2).max())  # at the minimum
    return {"square_slope": squares, "h_top": top, "g_rms": float(slopes.square().mean()) ** 0.5}


def epochs(shapes: Tensor, orders: Tensor, eta: float) -> Tensor:
    """Places after an epoch from θ = 0, one for each ordering of the minibatches, shape (orderings,)."""
    theta = torch.zeros(len(orders), dtype=torch.float64, requires_grad=True)
    stepper = OPTIMIZERS["sgd"].make([theta], eta=eta)
    for chosen in orders.T:
        theta.grad = None
        loss(theta, shapes[chosen]).sum().backward()
        stepper.step()
    return theta.detach()


@cache
def flow(case: int, number: int, eta: float) -> float:
    """Place that gradient flow on the mean loss reaches from θ = 0 in the time of an epoch."""
    shapes = losses(case, number)

    def velocity(_: float, place: np.ndarray) -> np.ndarray:
        theta = torch.tensor(place[0], dtype=torch.float64)
        return -grad(lambda at: loss(at, shapes).mean())(theta).numpy().reshape(1)

    span: Any = (0.0, eta * len(shapes))
    return float(solve_ivp(velocity, span, [0.0], method="DOP853", rtol=1e-13, atol=1e-16).y[0, -1])


def rate(share: float, case: int, n_batches: int) -> dict[str, float]:
    """A point by its size of nη h²g over the slope of the squared gradients."""
    found = about(losses(case, n_batches))
    limit = abs(found["square_slope"]) / (n_batches * found["h_top"] ** 2 * found["g_rms"])
    return {"eta": share * limit, "case": case, "n_batches": n_batches}

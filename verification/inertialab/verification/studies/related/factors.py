"""Adam's and RAdam's factors under Gaussian noise, exactly: from the weights that the optimizers' own steps tell.

A step of given gradients tells how much of each gradient first and second moment hold. Means over Gaussian gradients
then follow by one integral: 1/√v = (1/√π)∫exp(-sv)/√s ds and 1/v = ∫exp(-sv)ds, and the mean of exp(-sv) is a product
over the weights.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

TINY = 1e-30
"""Constant beside the root of the second moment: no gradient of these studies notices it."""
_LOGARITHMS = np.linspace(-64, 56, 1500)
"""Of s; the trapezoidal rule converges exponentially in them."""
LATE = 20.0
"""Memories of the second moment after which nothing changes."""
PLAIN = 1 - 1e-9
"""Decay of a second moment that is a plain average over the steps of these studies."""


def moved(optimizer: str, settings: Mapping[str, float], gradients: Tensor) -> np.ndarray:
    """Displacement by the last of a sequence of steps, in learning rates and uphill; gradients of shape (steps, n)."""
    theta = torch.zeros(gradients.shape[1], dtype=torch.float64)
    stepper = OPTIMIZERS[optimizer].make([theta], eta=1.0, **settings)
    for gradient in gradients:
        theta.zero_()
        theta.grad = gradient
        stepper.step()
    return -theta.numpy()


def weights(beta: float, beta2: float, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each of T gradients in Adam's corrected averages of gradients and of squares, shape (T,) each.

    A gradient of one at one step and at the last makes a step of 1/√(its weight and the last one's).
    """
    last = torch.zeros(T, T, dtype=torch.float64)
    last[-1] = 1.0
    once = torch.eye(T, dtype=torch.float64)
    settings = {"beta2": beta2, "delta": TINY}
    steps = moved("adam", {**settings, "beta": 0.0}, torch.maximum(once, last))
    second = steps**-2
    second[:-1] -= second[-1]
    first = moved("adam", {**settings, "beta": beta}, once) * np.sqrt(second)
    return first, second


def factor_moments(second: np.ndarray) -> tuple[float, float]:
    """Mean of the inverse root of Σw g² and of its square, Gaussian g of variance one; w of shape (T,), T > 2."""
    s, product = _transform(second)
    return _over(s**0.5 * product) / np.sqrt(np.pi), _over(s * product)


def mean_step(first: np.ndarray, second: np.ndarray) -> float:
    """Mean of |Σa g|/√(Σw g²): under the weight exp(-sv) the gradients stay Gaussian, of smaller variances."""
    s, product = _transform(second)
    spread = np.sqrt((first**2 / (1 + 2 * np.outer(s, second))).sum(1))
    return _over(s**0.5 * product * spread) / np.sqrt(np.pi) * np.sqrt(2 / np.pi)


def _transform(second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of s, and the mean of exp(-sv) there."""
    s = np.exp(_LOGARITHMS)
    logarithm = sum(
        -0.5 * np.log1p(2 * np.outer(s, part)).sum(1) for part in np.array_split(second, len(second) // 500 + 1)
    )
    return s, np.exp(logarithm)


def _over(values: np.ndarray) -> float:
    """Integral over the logarithm of s."""
    return float(values.sum() * (_LOGARITHMS[1] - _LOGARITHMS[0]))


def plain_factors(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean and variance of the factor after `rho` steps of a second moment that forgets nothing."""
    rows = []
    for point in points:
        mean, square = factor_moments(weights(0.0, PLAIN, int(point["rho"]))[1])
        rows += [
            Measurement("mean", point, Estimate(mean)),
            Measurement("variance", point, Estimate(square - mean**2)),
        ]
        tick()
    return Findings(tuple(rows))


def averages(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Degrees of freedom of the second moment after `T` steps, and the variance of the factor."""
    rows = []
    for point in points:
        second = weights(0.0, point["beta2"], int(point["T"]))[1]
        mean, square = factor_moments(second)
        rows += [
            Measurement("freedom", point, Estimate(float(second.sum() ** 2 / (second**2).sum()))),
            Measurement("variance", point, Estimate(square - mean**2)),
        ]
        tick()
    return Findings(tuple(rows))


def rectification_of(beta2: float, steps: int) -> np.ndarray:
    """RAdam's rectification after each step: its step under a gradient that never changes, shape (steps,)."""
    theta = torch.zeros(1, dtype=torch.float64)
    stepper = OPTIMIZERS["radam"].make([theta], eta=1.0, beta=0.0, beta2=beta2, delta=TINY)
    found = []
    for _ in range(steps):
        theta.zero_()
        theta.grad = torch.ones(1, dtype=torch.float64)
        stepper.step()
        found.append(-float(theta))
    return np.array(found)


def rectified(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Variance of RAdam's rectified factor after `T` steps over that after many."""
    rows = []
    for point in points:
        beta2, T = point["beta2"], int(point["T"])
        late = int(np.ceil(LATE / (1 - beta2)))
        r = rectification_of(beta2, late)
        variances = []
        for steps in (T, late):
            mean, square = factor_moments(weights(0.0, beta2, steps)[1])
            variances.append(r[steps - 1] ** 2 * (square - mean**2))
        rows.append(Measurement("ratio", point, Estimate(variances[0] / variances[1])))
        tick()
    return Findings(tuple(rows))


def warmups(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """RAdam's rectification after `T` steps."""
    rows = []
    for point in points:
        found = rectification_of(point["beta2"], int(point["T"]))[-1]
        rows.append(Measurement("rectification", point, Estimate(float(found))))
        tick()
    return Findings(tuple(rows))


def updates(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean size of Adam's step after `T` steps of Gaussian noise, in learning rates."""
    rows = []
    for point in points:
        found = mean_step(*weights(point["beta"], point["beta2"], int(point["T"])))
        rows.append(Measurement("size", point, Estimate(found)))
        tick()
    return Findings(tuple(rows))

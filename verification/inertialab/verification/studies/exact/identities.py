"""Identities that hold to the last digits: conventions, scaled losses, all batches written out, Adai's mean inertia."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch

from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Tick


def equivalent_rate(
    points: Sequence[Mapping[str, float]],
    steps: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """EMA learning rate that moves as far as PyTorch's momentum: smallest and largest over all steps.

    For given gradients the displacement is proportional to the learning rate, so the ratio of the two
    displacements, EMA's at rate one, is the equivalent rate. Gradients are positive: no displacement vanishes.
    """
    found = []
    for point in points:
        gradients = rng.uniform(0.5, 1.5, steps)
        moved = displacements("momentum-torch", gradients, **point)
        rate = moved / displacements("momentum-ema", gradients, eta=1.0, beta=point["beta"])
        found += [Measurement("equivalent-rate", point, Estimate(float(r))) for r in (rate.min(), rate.max())]
    return Findings(tuple(found))


def displacements(optimizer: str, gradients: np.ndarray, **settings: float) -> np.ndarray:
    """Displacement after each step of a fixed sequence of gradients, shape (steps,)."""
    theta = torch.zeros(1, dtype=torch.float64)
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    path = []
    for gradient in gradients:
        theta.grad = torch.tensor([gradient], dtype=torch.float64)
        stepper.step()
        path.append(float(theta))
    return np.array(path)


def sharpened(factor: float, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Learning rate, over eta, at which the real optimizer on L does what it does at eta on L(sqrt(k)·theta).

    Both run on the same noise; the reported rate is exact if the paths coincide to the last bit, else infinite.
    """
    rows = []
    for name, settings in (
        ("sgd", {}),
        ("momentum-torch", {"beta": 0.9}),
        ("momentum-ema", {"beta": 0.9}),
        ("adai", {"beta0": 0.1, "beta2": 0.99, "eps": 1e-3}),
    ):
        noise = rng.standard_normal((steps, 3))
        sharp = _path(name, {"eta": 0.01, **settings}, noise, factor**0.5)
        plain = _path(name, {"eta": 0.01 * factor, **settings}, noise, 1.0)
        rate = factor if np.array_equal(sharp * factor**0.5, plain) else np.inf
        rows.append(Measurement("rate", {"k": factor, "optimizer": name}, Estimate(float(rate))))
    return Findings(tuple(rows))


def rescaled(factor: float, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """The same for the loss multiplied by a factor, under Adai."""
    noise = rng.standard_normal((steps, 3))
    settings = {"beta0": 0.1, "beta2": 0.99, "eps": 1e-3}
    larger = _path("adai", {"eta": 0.01, **settings}, noise, 1.0, factor)
    faster = _path("adai", {"eta": 0.01 * factor, **settings}, noise, 1.0)
    rate = factor if np.array_equal(larger, faster) else np.inf
    return Findings((Measurement("rate", {"scale": factor}, Estimate(float(rate))),))


def _path(name: str, settings: Mapping[str, float], noise: np.ndarray, root: float, factor: float = 1.0) -> np.ndarray:
    """Where an optimizer goes on factor·L(root·θ), L a double well in each of three coordinates of unlike steepness."""
    steep = torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64)
    theta = torch.tensor([0.7, -0.4, 0.2], dtype=torch.float64) / root
    stepper = OPTIMIZERS[name].make([theta], **settings)
    for kick in noise:
        phi = theta * root
        theta.grad = factor * root * (steep * (phi**3 - phi) + torch.as_tensor(kick))
        stepper.step()
    return theta.numpy().copy()


def batches(
    sizes: Sequence[tuple[int, int]], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Variance of the batch mean over all batches without replacement, over that with."""
    rows = []
    for n, size in sizes:
        values = rng.standard_normal(n)
        means = np.array([np.mean(values[list(pick)]) for pick in combinations(range(n), size)])
        rows.append(
            Measurement("factor", {"n_samples": n, "B": size}, Estimate(float(means.var() / (values.var() / size))))
        )
    return Findings(tuple(rows))


def inertias(
    beta0s: Sequence[float], coordinates: int, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean momentum coefficient of Adai over all coordinates: from what its buffer took of the last gradient.

    Adai runs on gradients whose sizes differ by less than the clips allow. With m' = m + κ(g - m) its buffers and the
    gradient tell κ of every coordinate.
    """
    rows = []
    for beta0 in beta0s:
        sizes = rng.uniform(0.7, 1.3, (steps, coordinates)) * np.where(np.arange(steps) % 2, -1, 1)[:, None]
        theta = torch.zeros(coordinates, dtype=torch.float64)
        stepper = OPTIMIZERS["adai"].make([theta], eta=0.1, beta0=beta0, beta2=0.99, eps=1e-6)
        before = theta.clone()
        for gradient in sizes:
            theta.grad = torch.as_tensor(gradient)
            before = stepper.state[theta]["exp_avg"].clone() if stepper.state else before
            stepper.step()
        kappa = (stepper.state[theta]["exp_avg"] - before) / (torch.as_tensor(sizes[-1]) - before)
        rows.append(Measurement("mean", {"beta0": beta0}, Estimate(float((1 - kappa).mean()))))
    return Findings(tuple(rows))

"""Gradient noise beside curvature in small networks whose data are drawn from the network itself."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, jvp, vmap

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import MODELS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

INPUTS = 4
Loss = Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(outputs: Tensor, label: Tensor) -> Tensor:
    return outputs.logsumexp(0) - (outputs * label).sum()


def _half_square(outputs: Tensor, label: Tensor) -> Tensor:
    return (outputs - label).square().sum() / 2


def noise_over_curvature(
    points: Points, samples: int, directions: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Batch size times the variance of a batch's gradient over the Hessian, where labels come from the network itself.

    The network is at the parameters that made the labels: classes drawn with its own probabilities for the
    cross-entropy, outputs plus Gaussian noise of variance `sigma2` for the squared loss, by which the ratio is divided.

    Args:
        points: `model`, a row of MODELS; `outputs`; batch size `B`; `sigma2` for the squared loss.
        samples: Number of samples, a multiple of every B.
        directions: Number of random directions in the space of the parameters.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each direction.
    """
    rows = []
    for point in points:
        generator = torch_generator(rng, device)
        model = MODELS[point["model"]](INPUTS, point["outputs"], generator).to(device)
        theta = {name: p.detach() for name, p in model.named_parameters()}
        inputs = torch.randn(samples, INPUTS, generator=generator, dtype=torch.float64, device=device)
        labels, loss = labelled(point, functional_call(model, theta, inputs), generator)
        for _ in range(directions):
            along = {k: torch.randn(p.shape, generator=generator, dtype=p.dtype) for k, p in theta.items()}
            first, second = (
                x.reshape(-1, point["B"]).mean(1).cpu().numpy()
                for x in derivatives(model, loss, theta, along, inputs, labels)
            )
            unit = point.get("sigma2", 1.0)
            rows.append(Measurement("ratio", point, Estimate.quotient(point["B"] * first**2, unit * second)))
            tick()
    return Findings(tuple(rows))


def labelled(point: Any, outputs: Tensor, generator: torch.Generator) -> tuple[Tensor, Loss]:
    """Labels that outputs draw themselves, with Gaussian noise of variance `sigma2` or as classes, and their loss."""
    if "sigma2" in point:
        noise = torch.randn(outputs.shape, generator=generator, dtype=outputs.dtype, device=outputs.device)
        return outputs + point["sigma2"] ** 0.5 * noise, _half_square
    classes = torch.multinomial(outputs.softmax(1), 1, generator=generator)[:, 0]
    return torch.nn.functional.one_hot(classes, outputs.shape[1]).to(outputs.dtype), _cross_entropy


def derivatives(
    model: Any, loss: Loss, theta: Any, along: Any, inputs: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """First and second derivative of every sample's loss along a direction, shape (samples,) each."""

    def value(t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return loss(functional_call(model, {k: theta[k] + t * along[k] for k in theta}, x), y)

    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)

    def slope(t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return jvp(partial(value, x=x, y=y), (t,), (one,))[1]

    def both(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        first, second, *_ = jvp(partial(slope, x=x, y=y), (zero,), (one,))
        return first, second

    return vmap(both)(inputs, labels)

"""Stationary states of Adam and Adai themselves: every row of particles is a kind of coordinate of one large model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.walk import Stride, walk
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.gradients import LAWS
from inertialab.verification.studies.study import Findings, Measurement, Tick

FORGOTTEN = 7.0
"""Relaxation times before anything is measured."""
LONGER = 3
"""How many times as long variances are measured."""
Model = Mapping[str, Any]


def _started(optimizer: str, model: Model, particles: int, generator: torch.Generator) -> Iterator[Stride]:
    """Steps of a model whose coordinates of each kind have a curvature, noise and law of their own."""
    kinds, device = model["kinds"], generator.device
    column = {name: torch.tensor([[k[name]] for k in kinds], dtype=torch.float64, device=device) for name in ("h", "C")}
    laws = [LAWS[k.get("law", "gaussian")][0] for k in kinds]
    signs = torch.tensor([[k.get("sign", 1.0)] for k in kinds], dtype=torch.float64, device=device)

    def gradient(x: Tensor) -> Tensor:
        noise = torch.stack([law(row, generator) for law, row in zip(laws, x, strict=True)])
        return column["h"] * x + signs * column["C"].sqrt() * noise

    start = torch.zeros(len(kinds), particles, dtype=torch.float64, device=device)
    return walk(optimizer, model["settings"], gradient, start)


def _wait(model: Model) -> int:
    """Steps until the slowest kind and the second moment have forgotten the start."""
    settings = model["settings"]
    curved = [k["h"] / (k["C"] ** 0.5 if "beta0" not in settings else 1.0) for k in model["kinds"] if k["h"] > 0]
    memories = 1 / (1 - settings["beta2"]) + 1 / (settings["eta"] * min(curved, default=1.0))
    return int(np.ceil(FORGOTTEN * memories))


def _inertia(s: Stride, settings: Mapping[str, float]) -> Tensor:
    """1 - beta1 of every coordinate, from what Adai carries: the share of the newest gradient in its buffer."""
    second = s.state["exp_avg_sq"]  # the correction of its start is common to all
    return (settings["beta0"] * second / second.mean()).clamp(settings["eps"], 1)


def spread(
    optimizer: str,
    models: Sequence[Model],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Stationary variance of each kind of coordinate, and with Adai its mean inertia, as one of the conditions.

    Args:
        optimizer: adam or adai.
        models: `settings` of the optimizer and `kinds` of coordinates: `h`, `C`, `law`; those without curvature only
            take part in the mean second moment.
        particles: Coordinates of each kind.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for model in models:
        steady, settings = _started(optimizer, model, particles, torch_generator(rng, device)), model["settings"]
        wait = _wait(model)
        for _ in range(wait):
            next(steady)
            tick()
        square = torch.zeros(len(model["kinds"]), particles, dtype=torch.float64, device=device)
        inertia = torch.zeros(len(square), dtype=torch.float64, device=device)
        for _ in range(LONGER * wait):
            s = next(steady)
            square += s.after**2
            if optimizer == "adai":
                inertia += _inertia(s, settings).mean(1)
            tick()
        for i, kind in enumerate(model["kinds"]):
            if kind["h"] <= 0:
                continue
            point = {**settings, **kind, "B": kind["h"] / kind["C"], "K": LAWS[kind.get("law", "gaussian")][2]}
            if optimizer == "adai":
                point["kappa"] = float(inertia[i] / (LONGER * wait))
            rows.append(Measurement("variance", point, Estimate.mean((square[i] / (LONGER * wait)).cpu().numpy())))
    return Findings(tuple(rows))


def biases(
    models: Sequence[Model],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Adai's mean momentum buffer: against the mean gradient, and where it leaves the mean gradient of a parabola.

    Kinds without curvature have a gradient of mean zero, so their mean buffer is the bias. On a parabola the parameter
    settles where the mean buffer vanishes; measured is the squared mean gradient there.
    """
    rows = []
    for model in models:
        steady, settings = _started("adai", model, particles, torch_generator(rng, device)), model["settings"]
        wait = _wait(model)
        for _ in range(wait):
            next(steady)
            tick()
        buffer = torch.zeros(len(model["kinds"]), particles, dtype=torch.float64, device=device)
        place, inertia = torch.zeros_like(buffer), buffer.new_zeros(len(buffer))
        for _ in range(wait):
            s = next(steady)
            buffer += s.buffer
            place += s.after
            inertia += _inertia(s, settings).mean(1)
            tick()
        for i, kind in enumerate(model["kinds"]):
            _, third, K = LAWS[kind.get("law", "gaussian")]
            skewed = kind.get("sign", 1.0) * third * kind["C"] ** 1.5
            point = {**settings, **kind, "K": K, "v": kind["C"], "third": skewed, "kappa": float(inertia[i] / wait)}
            if kind["h"] > 0:
                slope = Estimate.mean((kind["h"] * place[i] / wait).cpu().numpy())
                square = Estimate(slope.value**2, 2 * abs(slope.value) * slope.se, slope.n)
                rows.append(Measurement("end", {**point, "unit": kind["C"] / 100}, square))
            else:
                rows.append(Measurement("bias", point, Estimate.mean((buffer[i] / wait).cpu().numpy())))
    return Findings(tuple(rows))

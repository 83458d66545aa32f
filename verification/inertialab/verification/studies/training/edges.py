"""Where the sharpness settles in training on all samples at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.problem import Problem
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def half_square(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared error, summed over outputs and averaged over samples."""
    return (outputs - targets).square().sum(-1).mean() / 2


def settled(
    data: str,
    samples: int,
    optimizer: str,
    points: Points,
    seeds: int,
    wait: int,
    looks: int,
    between: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Largest curvature late in training under the full gradient, of the preconditioned Hessian for Adam.

    A tanh network learns classes as numbers under the squared loss, which sharpens until steps stop to contract;
    samples that are told apart sooner than that, as those of easier tables, leave it below. Every seed is a training
    from weights of its own, and a unit; its looks are averaged.

    Args:
        data: Data set.
        samples: How many of its samples, drawn once, are trained on.
        optimizer: sgd, heavy-ball or adam.
        points: Settings.
        seeds: Number of trainings.
        wait: Steps before the first look.
        looks: Number of looks.
        between: Steps between looks.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    table, rows, facts = load(data), [], {}
    chosen = torch.as_tensor(rng.permutation(len(table.inputs))[:samples])
    inputs = table.inputs[chosen].to(device)
    targets = one_hot(table.targets[chosen], table.classes).to(inputs)
    for number, point in enumerate(points):
        cpu = torch_generator(rng, torch.device("cpu"))
        nets = [MODELS["tanh-mlp"](inputs.shape[1], table.classes, cpu).to(device) for _ in range(seeds)]
        trained = TrainingProblem(nets[0], inputs, targets, loss=half_square)
        start = torch.stack([TrainingProblem(net, inputs, targets).start for net in nets])
        generator = torch_generator(rng, device)
        crowd = Chains(trained, optimizer, point, start, batch=1, sampling="full batch", generator=generator)
        crowd.run(wait, tick=tick)
        found = []
        for _ in range(looks):
            crowd.run(between, tick=tick)
            found.append([_sharpness(trained, crowd, optimizer, point, i) for i in range(seeds)])
        rows.append(Measurement("edge", point, Estimate.mean(np.mean(found, axis=0))))
        losses = [float(trained.value(theta)) for theta in crowd.theta]
        facts[f"point {number}"] = {"sharpness": found, "loss": losses}
    return Findings(tuple(rows), facts)


def _sharpness(trained: TrainingProblem, crowd: Chains, optimizer: str, point: object, i: int) -> float:
    """Largest eigenvalue of the Hessian of one training, in units of the root of its second moment for Adam."""
    H = hessian(Problem.of(trained, crowd.theta[i])).to_dense()
    if optimizer == "adam":
        second = crowd.state["exp_avg_sq"][i] / (1 - point["beta2"] ** float(crowd.state["step"]))  # pyright: ignore
        root = (second.sqrt() + point["delta"]) ** -0.5  # pyright: ignore
        H = root[:, None] * H * root
    return float(torch.linalg.eigvalsh(H)[-1])

"""Curvature and gradient noise of a network that a campaign has trained, or of those of adaptive regularisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

from inertialab.experiments import sources, store
from inertialab.experiments.campaign.images import IMAGES, load_images
from inertialab.experiments.campaign.networks import NETWORKS, network
from inertialab.experiments.devices import device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.verification import regularised
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.lanczos import top_eigenpairs
from inertialab.verification.measure.noise import noise_trace
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.ratio import noise_ratio
from inertialab.verification.measure.trace import trace
from inertialab.verification.options import Network

MADE_BY = ("campaign", "har")
"""Commands of the experiments whose networks can be measured."""
PRODUCTS = 60
"""Most Hessian products for the trace."""


def measured(options: Network, device: str, console: Console) -> int:
    """Measure the network of a record, or take the measurement; returns the exit code.

    Raises:
        WrongInputError: If there is no such record, or its weights are not there.
        DataMissingError: If the images are not there.
    """
    trained = _trained(options.record)
    if trained["key"]["command"] == "har":
        return regularised.measured(options, trained, device, console)
    asked = {name: getattr(options, name) for name in ("top", "samples", "seed")}
    where = {"device": device_name(device), "code": sources.digest(__name__)}
    key = {"command": "network", **asked, "weights": trained["result"]["weights"]["sha256"], **where}
    path = options.record.with_suffix(".curvature.json")
    found = store.record(path, key, lambda: _curvature(options, trained["key"], torch.device(device)))
    console.print(told(found["result"]), highlight=False)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    return 0


def _trained(path: Path) -> dict[str, Any]:
    found = store.read_record(path)
    if not found or found.get("status") != "complete" or found.get("key", {}).get("command") not in MADE_BY:
        raise WrongInputError(
            f"{path} is no complete record of a campaign or har; make one by python -m inertialab.experiments campaign "
            "or har."
        )
    return found


def _curvature(options: Network, key: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Top eigenvalues, trace, noise; convolutions in whole float32, where TF32 would keep three digits."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return _seen(options, key, device)


def _seen(options: Network, key: dict[str, Any], device: torch.device) -> dict[str, Any]:
    problem, generator = _problem(options, key, device), torch.Generator(device).manual_seed(options.seed)
    H = hessian(problem)
    pairs = top_eigenpairs(H, options.top, generator=generator)
    whole = trace(H, generator=generator, max_matvecs=PRODUCTS)
    ratio = noise_ratio(problem, pairs.vectors, rng=np.random.default_rng(options.seed))
    return {
        "parameters": problem.start.numel(),
        "samples": problem.samples,
        "loss": float(problem.value()),
        "gradient norm": float(problem.gradient().norm()),
        "eigenvalues": pairs.values.tolist(),
        "residuals": pairs.residuals.tolist(),
        "converged": pairs.converged,
        "trace": whole.estimate.value,
        "trace error": whole.estimate.se,
        "noise trace": noise_trace(problem),
        "noise over curvature": {
            "value": ratio.ratio.value.tolist(),
            "low": ratio.ratio.low.tolist(),
            "high": ratio.ratio.high.tolist(),
        },
    }


def _problem(options: Network, key: dict[str, Any], device: torch.device) -> Problem:
    """The trained network on the first training images, without augmentation, normalisations frozen."""
    if key["data"] not in IMAGES or key["model"] not in NETWORKS:
        raise WrongInputError(f"{options.record} names a network or images that are not known here.")
    images = load_images(key["data"], key["fraction"]).on(device)
    inputs, targets = (x[: options.samples] for x in images.train)
    model = network(key["model"], inputs.shape[1], images.classes, torch.Generator())
    weights = options.record.with_suffix(".weights.pt")
    try:
        model.load_state_dict(torch.load(weights, weights_only=True))
    except FileNotFoundError:
        raise WrongInputError(f"{weights} is not there; the weights lie beside the record of their training.") from None
    chunk = min(options.chunk, len(targets))
    data = (images.normalised(inputs), targets)
    return Problem(model.to(device).eval(), nn.functional.cross_entropy, data, chunk=chunk)


def told(result: dict[str, Any]) -> str:
    """A measurement in two lines."""
    top, noise = result["eigenvalues"], result["noise over curvature"]
    return (
        f"On {result['samples']} images: loss {result['loss']:.4g}, largest eigenvalues "
        f"{', '.join(f'{v:.4g}' for v in top)}, trace {result['trace']:.4g} ± {result['trace error']:.2g}.\n"
        f"Noise over curvature along the first: {noise['value'][0]:.3g} "
        f"(95% interval {noise['low'][0]:.3g} to {noise['high'][0]:.3g}); "
        "the assumption that noise is curvature says 1."
    )

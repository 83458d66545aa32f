"""What the command trains of a table: model, recipe, rows for the test, and weights of every arm beside the record."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from inertialab.experiments.campaign.networks import network as convolutions
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.fit import Recipe
from inertialab.experiments.har.options import Har
from inertialab.experiments.har.tables import Table
from inertialab.experiments.store import replacing

ARMS = {"none": "no penalty", "uniform": "one strength for all", "har": "strength by group"}
"""What is compared on the test rows, and how it is told."""


def weights_of(record: Path) -> Path:
    """The file of weights that lies beside a record."""
    return record.with_suffix(".weights.pt")


def save(path: Path, models: Mapping[str, nn.Module]) -> str:
    """Write the weights of models by name; the first 16 digits of the file's SHA-256."""
    with replacing(path) as file:
        torch.save({name: model.state_dict() for name, model in models.items()}, file)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def load(path: Path) -> dict[str, dict[str, Tensor]]:
    """What was written: parameters of each model by its name.

    Raises:
        WrongInputError: If it is not there.
    """
    try:
        return torch.load(path, weights_only=True)
    except FileNotFoundError:
        raise WrongInputError(f"{path} is not there; the weights lie beside the record of their training.") from None


def recipe_of(options: Har, table: Table) -> Recipe:
    """How every arm is trained, by the loss's derivative for classes: all outputs would take a backward pass each."""
    of = "output" if table.outputs == 1 else "loss"
    if table.x.ndim > 2:  # by what the convolutions give: by the pixels it would take three times as long
        return Recipe(steps=options.steps, eta=options.eta, batch=64, layers=None, of=of)
    return Recipe(steps=options.steps, eta=options.eta, of=of)


def model_of(options: Har, table: Table, seed: int) -> nn.Module:
    """What is trained: for images two convolutions, else two hidden layers."""
    if table.x.ndim > 2:
        return convolutions("small", table.x.shape[1], table.outputs, torch.Generator().manual_seed(seed))
    return network(table.x.shape[1], table.outputs, options.hidden, seed)


def network(inputs: int, outputs: int, hidden: int, seed: int) -> nn.Module:
    """Two hidden layers of tanh units, Gaussian weights of variance 1/fan-in, biases uniform between -1 and 1."""
    generator, layers = torch.Generator().manual_seed(seed), list[nn.Module]()
    for a, b in itertools.pairwise((inputs, hidden, hidden, outputs)):
        layer = nn.Linear(a, b)
        nn.init.normal_(layer.weight, std=a**-0.5, generator=generator)
        nn.init.uniform_(layer.bias, -1, 1, generator=generator)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def test_rows(groups: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Which rows are kept for the test, the same share of every group and at least one."""
    chosen = torch.zeros(len(groups), dtype=torch.bool)
    for group in groups.unique():
        members = (groups == group).nonzero()[:, 0]
        members = members[torch.randperm(len(members), generator=generator)]
        chosen[members[: max(1, min(round(share * len(members)), len(members) - 4))]] = True
    return chosen

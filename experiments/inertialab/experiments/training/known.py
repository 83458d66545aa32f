"""Saddles of trained networks that are kept as files: where each comes from, and the network at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inertialab.experiments import store
from inertialab.experiments.data import content_digest, load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.models import tanh_mlp
from inertialab.experiments.problem import Problem
from inertialab.experiments.training.chains import Chains
from inertialab.experiments.training.critical import Saddle, saddle

FOLDER = Path(__file__).with_name("points")
RATE, BATCH = 0.5, 32
"""Of the early training from whose end a saddle is climbed to."""


class UnknownSaddleError(WrongInputError):
    """A saddle that is not kept, or not of the data that are here."""


@dataclass(frozen=True)
class Recipe:
    """How a saddle was found, exactly.

    Attributes:
        data: Data set.
        hidden: Hidden tanh units.
        l2: Coefficient of the L2 penalty.
        seed: Of the initial weights and of the batches of early training.
        trained: Steps of SGD before the climb, at rate 0.5 with batches of 32.
        index: Number of negative curvatures that was asked for.
        components: Inputs are so many leading principal components, each of variance 1, which spreads the curvatures
            of stiff directions less; 0 leaves the data as they are.
    """

    data: str
    hidden: int
    l2: float
    seed: int
    trained: int
    index: int
    components: int = 0


def network(recipe: Recipe, device: torch.device | None = None) -> Problem:
    """The training problem at its initial weights, which are drawn on the CPU.

    Args:
        recipe: What is trained.
        device: Where the data go, the CPU by default.
    """
    place, data = device or torch.device("cpu"), load(recipe.data)
    inputs = _components(data.inputs, recipe.components)
    generator = torch.Generator().manual_seed(recipe.seed)
    net = tanh_mlp(inputs.shape[1], data.classes, generator, recipe.hidden).to(place)
    return Problem(net, inputs.to(place), data.targets.to(place), recipe.l2)


def _components(inputs: Tensor, count: int) -> Tensor:
    """Leading principal components of variance 1, the largest weight of each positive."""
    if count == 0:
        return inputs
    centred = inputs - inputs.mean(0)
    _, V = torch.linalg.eigh(centred.T @ centred)
    found = centred @ (V * V.gather(0, V.abs().argmax(0, keepdim=True)).sign()).flip(1)[:, :count]
    return found / found.square().mean(0).sqrt()


def find(recipe: Recipe) -> Saddle:
    """Train a little, then climb; on the CPU.

    Raises:
        NotConvergedError: If there is no such saddle from there.
    """
    problem, generator = network(recipe), torch.Generator().manual_seed(recipe.seed)
    start = problem.start[None]
    chains = Chains(problem, "sgd", {"eta": RATE}, start, batch=BATCH, generator=generator).run(recipe.trained)
    return saddle(problem, recipe.index, chains.theta[0])


def keep(name: str, recipe: Recipe, folder: Path = FOLDER) -> Saddle:
    """Find a saddle and write its file: recipe, digest of the data, gradient norm, spectrum and parameters."""
    found = find(recipe)
    content = {
        "recipe": asdict(recipe),
        "data digest": content_digest(recipe.data),
        "gradient norm": found.gradient_norm,
        "steps": found.steps,
        "curvatures": [float(f"{x:.6g}") for x in found.curvatures],
        "at": found.at.tolist(),
    }
    store.write_json(folder / f"{name}.json", content)
    return found


def names(folder: Path = FOLDER) -> list[str]:
    """Of all saddles that are kept."""
    return sorted(path.stem for path in folder.glob("*.json"))


def known(name: str, device: torch.device | None = None, folder: Path = FOLDER) -> tuple[Problem, Tensor]:
    """A network at a saddle that is kept.

    Args:
        name: Of its file, see `names`.
        device: Where data and parameters go, the CPU by default.
        folder: Where the files are.

    Returns:
        The training problem, and the parameters of the saddle, shape (P,), float64.

    Raises:
        UnknownSaddleError: If there is no such file, or it was made from other data.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        raise UnknownSaddleError(f"There is no saddle {name!r}; kept are {', '.join(names(folder)) or 'none'}.")
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    recipe = Recipe(**content["recipe"])
    if content_digest(recipe.data) != content["data digest"]:
        raise UnknownSaddleError(f"{path.name} belongs to other data than {recipe.data} here; `keep` it anew.")
    return network(recipe, device), torch.tensor(content["at"], dtype=torch.float64, device=device)

"""Jacobian and Hessian of the networks that a comparison of adaptive regularisation has trained, group by group."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from inertialab.experiments import sources, store
from inertialab.experiments.devices import device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.arms import ARMS, load, model_of, recipe_of, test_rows, weights_of
from inertialab.experiments.har.fit import generator_of
from inertialab.experiments.har.options import Har
from inertialab.experiments.har.penalty import JacobianPenalty
from inertialab.experiments.har.tables import table_of
from inertialab.verification.options import Network
from inertialab.verification.studies.regularisation.gradients import by_group

PRODUCTS = 200
"""Most products with the Hessian for a trace."""


def measured(options: Network, trained: dict[str, Any], device: str, console: Console) -> int:
    """Measure every arm of a record, or take the measurement; returns the exit code.

    Args:
        options: Record, seed and device.
        trained: The record.
        device: Where to measure.
        console: Where to tell.

    Raises:
        WrongInputError: If the weights are not there, or the record is of somebody's table or of numbers.
    """
    where = {"device": device_name(device), "code": sources.digest(__name__)}
    weights = trained["result"].get("weights", {}).get("sha256")
    key = {"command": "network", "seed": options.seed, "weights": weights, **where}
    path = options.record.with_suffix(".curvature.json")
    found = store.record(path, key, lambda: _all(options, trained, torch.device(device)))
    console.print(told(found["result"]), highlight=False)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    return 0


def _all(options: Network, trained: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Every arm of every repeat, on the examples and labels that it was trained on."""
    asked = _asked(options, trained)
    weights, generator = load(weights_of(options.record)), torch.Generator(device).manual_seed(options.seed)
    runs = [_one(asked, weights, i, device, generator) for i in range(asked.repeats)]
    return {"groups": trained["result"]["groups"], "runs": runs}


def _asked(options: Network, trained: dict[str, Any]) -> Har:
    """What was asked for when the record was made."""
    key = trained["key"]
    if key["target"] is not None or trained["result"]["task"] != "classification":
        raise WrongInputError(
            f"{options.record}: Jacobian and Hessian by group are measured for the demonstrations labels and images."
        )
    given = {field.name: key[field.name] for field in fields(Har) if field.name in key}
    known: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return Har(**known)


def _one(
    asked: Har, weights: dict[str, dict[str, Tensor]], repeat: int, device: torch.device, generator: torch.Generator
) -> dict[str, list[dict[str, float]]]:
    """By arm, what `by_group` says of each group, in double precision."""
    seed = asked.seed + repeat
    table = table_of(asked, seed)
    rest = ~test_rows(table.groups, asked.test, generator_of(seed, "test"))
    x, y, groups = (v[rest].to(device) for v in (table.x.double(), table.y, table.groups))
    recipe, model = recipe_of(asked, table), model_of(asked, table, seed)
    found = {}
    for arm in ARMS:
        model.load_state_dict(weights[f"{repeat} {arm}"])
        placed = copy.deepcopy(model).double().to(device).eval()
        penalty = JacobianPenalty(placed, recipe.layers, recipe.of, recipe.form)
        found[arm] = by_group(penalty, x, y, groups, generator, products=PRODUCTS)
    return found


def told(result: dict[str, Any]) -> str:
    """A line for each arm and group of the first repeat."""
    return "\n".join(
        f"{ARMS[arm]}, {group}: squared derivative {one['penalty']:.3g} ± {one['penalty error']:.2g}, "
        f"trace {one['trace']:.4g} ± {one['trace error']:.2g}"
        for arm, groups in result["runs"][0].items()
        for group, one in zip(result["groups"], groups, strict=True)
    )

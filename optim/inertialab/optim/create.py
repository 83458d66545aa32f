"""An optimizer by its name, with the usual groups without weight decay."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from inertialab.optim.adai import Adai, AdaiV2, AdaiW
from inertialab.optim.adashift import AdaShift
from inertialab.optim.radam import RAdam
from inertialab.optim.table import OPTIMIZERS

CLASSES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adai": Adai,
    "adaiw": AdaiW,
    "adaiv2": AdaiV2,
    "radam": RAdam,
    "adashift": AdaShift,
}
"""Names that stand for a class; all others are rows of `OPTIMIZERS`."""


def one_dimensional(name: str, param: Tensor) -> bool:
    """Whether a parameter is a bias or a scale or shift of a normalisation: it has one dimension, or none."""
    return param.dim() <= 1


def create(
    name: str,
    model: nn.Module,
    weight_decay: float = 0.0,
    *,
    no_decay: Callable[[str, Tensor], bool] | Iterable[str] = one_dimensional,
    **settings: Any,
) -> torch.optim.Optimizer:
    """Make an optimizer over all parameters of a model, in a group with weight decay and one without.

    Args:
        name: "adai", "adaiw", "adaiv2", "radam", "adashift", or a row of `OPTIMIZERS`; capitals do not matter.
        model: Its parameters are given by name, so that states can be matched by names.
        weight_decay: Of the parameters that have one, >= 0; what it means is up to the optimizer.
        no_decay: Which parameters have none: a function of name and parameter, or parts of names, such as "bias".
            Those with one dimension by default.
        settings: Those of the class or of the row's `make`; a row takes `lr` for `eta`.

    Raises:
        ValueError: If there is no optimizer of this name, or if a part of a name occurs in none.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    >>> optimizer = create("adai", model, weight_decay=0.1, lr=0.5)
    >>> for group in optimizer.param_groups:
    ...     print(group["weight_decay"], *group["param_names"])
    0.1 0.weight
    0.0 0.bias 1.weight 1.bias
    """
    make = CLASSES.get(key := name.lower())
    if make is None:
        if key not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {name!r}; choose from {', '.join({**CLASSES, **OPTIMIZERS})}.")
        make = OPTIMIZERS[key].make
        settings = {"eta" if k == "lr" else k: v for k, v in settings.items()}
    named = list(model.named_parameters())
    spared = no_decay if callable(no_decay) else _parts(no_decay, [n for n, _ in named])
    groups = [
        {"params": [(n, p) for n, p in named if not spared(n, p)], "weight_decay": weight_decay},
        {"params": [(n, p) for n, p in named if spared(n, p)], "weight_decay": 0.0},
    ]
    return make([group for group in groups if group["params"]], **settings)


def _parts(given: Iterable[str], names: list[str]) -> Callable[[str, Tensor], bool]:
    """A test of names by what occurs in them."""
    parts = [given] if isinstance(given, str) else list(given)
    absent = [part for part in parts if not any(part in name for name in names)]
    if absent:
        raise ValueError(f"no_decay: {absent[0]!r} occurs in no name of a parameter; they are {', '.join(names)}.")
    return lambda name, _: any(part in name for part in parts)

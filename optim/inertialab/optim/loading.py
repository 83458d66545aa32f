"""Loading of states: checked before anything is touched, in the optimizer's own precision, hooks last.

torch's own loading casts averages to the precision of parameters and shares memory with what it was given. Here a
state is checked and converted after all hooks of the user that see it before, and copied once more before those that
see it afterwards, so that what a hook decides stands.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import Optimizer

Named = tuple[Any, str, Tensor, dict[str, Any]]
"""Index of a parameter in a state, its name in messages, the parameter and its group."""


def matched(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> list[Named] | None:
    """Parameters with their indices in a state; None where the groups are others, which torch itself refuses."""
    saved = [list(group["params"]) for group in state_dict["param_groups"]]
    if [len(indices) for indices in saved] != [len(group["params"]) for group in optimizer.param_groups]:
        return None
    found: list[Named] = []
    for k, (indices, group) in enumerate(zip(saved, optimizer.param_groups, strict=True)):
        names = group.get("param_names") or [f"{i} of group {k}" for i in range(len(indices))]
        found += [(i, str(n), p, group) for i, n, p in zip(indices, names, group["params"], strict=True)]
    return found


def check_state(optimizer: str, name: str, param: Tensor, state: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
    """Refuse the state of another parameter or another optimizer.

    Raises:
        ValueError: Naming the parameter, and the state that is missing or its wanted and found shape.
    """
    missing = [key for key in wanted if key not in state]
    if missing:
        raise ValueError(
            f"{optimizer}: the state of parameter {name} has no {missing[0]!r}, only {', '.join(map(repr, state))}; "
            "load a state that this optimizer has saved."
        )
    shape = None if is_lazy(param) else tuple(param.shape)
    for key in wanted:
        found = tuple(state[key].shape)
        if found not in (((), (1,)) if key == "step" else (found if shape is None else shape,)):
            raise ValueError(
                f"{optimizer}: {key!r} of parameter {name} must have shape {() if key == 'step' else shape}, got "
                f"{found}; load the state of this model, with its parameters in the same order."
            )


def load(
    optimizer: Optimizer,
    state_dict: dict[str, Any],
    into: Callable[[dict[str, Any]], None],
    checked: Callable[[dict[str, Any]], dict[str, Any]],
    restore: Callable[[dict[str, Any]], None],
) -> None:
    """Load a state between the hooks of the user.

    Args:
        optimizer: It.
        state_dict: As given to the optimizer.
        into: torch's own loading.
        checked: What is to be loaded, made of what hooks have left; raises where it is refused.
        restore: Called with that after torch's loading, before hooks see the outcome.
    """
    final: dict[str, Any] = {}

    def last(_: Optimizer, given: dict[str, Any]) -> dict[str, Any]:
        final.update(checked(given))
        return final

    before = optimizer.register_load_state_dict_pre_hook(last)
    after = optimizer.register_load_state_dict_post_hook(lambda _: restore(final), prepend=True)
    try:
        into(state_dict)
    finally:
        before.remove()
        after.remove()


def copied(value: Tensor, dtype: torch.dtype, device: torch.device | str) -> Tensor:
    """A state of this type and place that shares no memory with the one it is made from."""
    return value.detach().resolve_conj().resolve_neg().to(device, dtype, copy=True)

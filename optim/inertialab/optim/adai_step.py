"""One step of Adai on all parameters: the sum of second moments first, then the rule, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import torch
from torch import Tensor

from inertialab.optim import sharded
from inertialab.optim.adai_parts import SUM, Batch, Native, Single, loops
from inertialab.optim.base import Moving, state_dtype
from inertialab.optim.blocks import LARGE, Row, zeros_one_after_the_other

STATE = ("exp_avg", "exp_avg_sq", "bias_correction")
"""State beside the number of steps: m, v and q."""
WORTH = 1 << 18
"""Elements of a model from which native loops are worth the second that they take to compile."""


def step(pieces: list[Moving], states: MutableMapping[Tensor, Any], group: Any = None) -> None:
    """Update all parameters.

    Args:
        pieces: Those that have a gradient.
        states: Of the optimizer; filled at a parameter's first step.
        group: Processes over which plain parameters are distributed.
    """
    parts = list(_parts(pieces, states, group))
    if not parts and group is None:
        return
    mean = _mean(parts, group, exact=False)
    if any(isinstance(part, Batch) for part in parts) and not torch.isfinite(mean):
        mean = _mean(parts, group, exact=True)
    # Without any gradient so far all second moments are zero; then nothing moves, whatever the inertia.
    inverse = torch.where(mean > 0, 1 / mean, 0.0)
    for part in parts:
        part.move(inverse)


def _mean(parts: list[Single | Batch], group: Any, exact: bool) -> Tensor:
    """v̄ over all processes."""
    shares = [(part.domain, part.share(exact)) for part in parts]
    if group is not None:
        # Also a process without any gradient takes part in the sum.
        shares.append(((group,), sharded.nothing(group)))
    total, count = sharded.total(shares).unbind()
    return total / count.clamp(min=1)


def _parts(pieces: list[Moving], states: MutableMapping[Tensor, Any], group: Any) -> Iterator[Single | Batch]:
    """What is to be updated."""
    _begin([(param, settings) for param, _, settings in pieces if not states[param]], states)
    own = [states[param] for param, _, _ in pieces]
    if own:
        torch._foreach_add_([state["step"] for state in own], 1)
    groups = {id(settings): settings for _, _, settings in pieces}
    plain = {key: _plain(settings) for key, settings in groups.items()}
    large = sum(param.numel() for param, _, _ in pieces) >= WORTH
    native = {key: _native(settings, large) for key, settings in groups.items() if not plain[key]}
    some_sharded = sharded.possible() and any(sharded.is_sharded(param) for param, _, _ in pieces)
    batches: dict[tuple[Any, ...], Batch] = {}
    for (param, grad, settings), state in zip(pieces, own, strict=True):
        row = (param, grad, state["exp_avg"], state["exp_avg_sq"], state["bias_correction"])
        domain = sharded.domain(grad, group) if some_sharded or group else ()
        if some_sharded:
            row = tuple(map(sharded.local, row))
        if plain[id(settings)]:
            yield Single(row, state["step"], settings, state, domain)
            continue
        age = int(state["step"])
        suits = native[id(settings)]
        kind = Native if suits and row[0].is_cpu and suits(row) else Batch
        key = (kind, id(settings), age, param.dtype, grad.dtype, param.device, domain)
        batch = batches.get(key) or batches.setdefault(key, kind(age, settings, domain))
        batch.rows.append(row)
        batch.states.append(state)
    yield from batches.values()


def _plain(s: dict[str, Any]) -> bool:
    return s["foreach"] is False or s["capturable"] or s["differentiable"] or torch.compiler.is_compiling()


def _native(s: dict[str, Any], large: bool) -> Callable[[Row], bool] | None:
    """Tells which rows of a group native loops take; None for a group that asks for other operations, or needs them."""
    if not (s["fused"] or (large and s["fused"] is None and not s["foreach"])) or s["dampening"] != 1:
        return None
    native = loops()
    return native.suits if native else None


def _begin(fresh: list[tuple[Tensor, dict[str, Any]]], states: MutableMapping[Tensor, Any]) -> None:
    """Make the states of parameters that move for the first time."""
    small: dict[Any, list[Tensor]] = {}
    for param, settings in fresh:
        state, dtype, whole = states[param], state_dtype(param), not sharded.is_sharded(param)
        state["step"] = torch.zeros((), dtype=torch.float32, device=param.device if settings["capturable"] else "cpu")
        if whole and param.numel() < LARGE:
            small.setdefault((id(settings), dtype, param.device), []).append(param)
            continue
        for name in STATE:
            state[name] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
        if whole and not _plain(settings):
            state[SUM] = torch.zeros((), dtype=torch.float64, device=param.device)
    for (_, dtype, _), params in small.items():
        for name in STATE:
            for param, zeros in zip(params, zeros_one_after_the_other(params, dtype), strict=True):
                states[param][name] = zeros

"""One step of Adai on all parameters: the sum of second moments first, then the rule, part by part."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from inertialab.optim import adai_lists, sharded
from inertialab.optim.adai_lists import Lists
from inertialab.optim.adai_parts import Batch, Native, Single, loops
from inertialab.optim.adai_rule import DeviceScale
from inertialab.optim.base import Moving, check_alike, count, real_rows, state_dtype
from inertialab.optim.blocks import LARGE, PLAIN, Row, suits, zeros_one_after_the_other

State = dict[str, Any]
STATE = ("exp_avg", "exp_avg_sq", "bias_correction")
"""State beside the number of steps: m, v and q."""
LOW = torch.finfo(torch.float32).tiny * 2.0**24
"""Mean of second moments below which rounding of the smallest numbers could part a carried sum from them."""
WORTH = 1 << 18
"""Elements of a model from which native loops are worth the second that they take to compile."""


def step(pieces: list[Moving], states: MutableMapping[Tensor, Any], group: Any = None) -> None:
    """Update all parameters.

    Args:
        pieces: Those that have a gradient.
        states: Of the optimizer; filled at a parameter's first step.
        group: Processes over which plain parameters are distributed.
    """
    parts = _parts(pieces, states, group)
    if not parts and group is None:
        return
    sums = _sums(parts, group, exact=False)
    total, count = 0.0, 0.0
    if any(isinstance(part, Batch) or not part.free for part in parts):
        total, count = sums.tolist()
        if group is None and not _sound(total, count):
            sums = _sums(parts, group, exact=True)
            total, count = sums.tolist()
    free = any(isinstance(part, Single) and part.free for part in parts)
    on_device = DeviceScale(sums) if free else None
    for part in parts:
        part.move(on_device, total, count)


def _sound(total: float, count: float) -> bool:
    """Whether a sum that was put together has not lost small second moments, and holds none that overflows."""
    return LOW * count <= total < float("inf")


def _sums(parts: list[Single | Batch], group: Any, exact: bool) -> Tensor:
    """Sum and number of corrected second moments over all processes, shape (2,).

    Named processes may hold different kinds of parts, and a host that must not wait does not see the sum. Each of them
    looks at its own shares instead, or one would wait for a second sum in which the others take no part.
    """
    shares = []
    for part in parts:
        share = part.share(exact)
        if group is not None and isinstance(part, Batch) and not _sound(*share.tolist()):
            share = part.share(exact=True)
        shares.append((part.domain, share))
    if group is not None:
        # Also a process without any gradient takes part in the sum.
        shares.append(((group,), sharded.nothing(group)))
    return sharded.total(shares)


def refuse_cut(params: list[Tensor]) -> None:
    """Refuse parameters of which this process has an unknown part."""
    sharded.refuse_cut("Adai", "the mean over all of them", "mean_group=the process group", params)


def _parts(pieces: list[Moving], states: MutableMapping[Tensor, Any], group: Any) -> list[Single | Batch]:
    """What is to be updated; its steps have been counted, or something was refused and nothing has been touched."""
    own = [states[param] for param, _, _ in pieces]
    fresh = [(param, settings) for (param, _, settings), state in zip(pieces, own, strict=True) if not state]
    if fresh and group is None:
        refuse_cut([param for param, _ in fresh])  # wrapped after the optimizer was made
    _begin(fresh, states)
    parts = _sorted(pieces, own, *_rows(pieces, own, group))
    if not torch.compiler.is_compiling():
        _check(parts)
    count([state["step"] for state in own])
    return parts


def _rows(pieces: list[Moving], own: list[State], group: Any) -> tuple[list[Row], list[sharded.Domain]]:
    """Parameter, gradient and states of each, those parts that lie here, as real numbers; and where the rest is."""
    rows: list[Row] = [
        (param, grad, state["exp_avg"], state["exp_avg_sq"], state["bias_correction"])
        for (param, grad, _), state in zip(pieces, own, strict=True)
    ]
    domains: list[sharded.Domain] = [() if group is None else (group,)] * len(rows)
    params = [row[0] for row in rows]
    if sharded.possible() and not {*map(type, params)} <= PLAIN and any(map(sharded.is_sharded, params)):
        domains = [sharded.domain(grad, group) for _, grad, _ in pieces]
        rows = [tuple(map(sharded.local, row)) for row in rows]
    if any(map(Tensor.is_complex, params)):
        rows = [real_rows(*row) for row in rows]
    return rows, domains


def _sorted(
    pieces: list[Moving], own: list[State], rows: list[Row], domains: list[sharded.Domain]
) -> list[Single | Batch]:
    """The rows as singles and batches."""
    groups = {id(settings): settings for _, _, settings in pieces}
    large = sum([row[0].numel() for row in rows]) >= WORTH
    ways = {key: (_plain(settings), _native(settings, large)) for key, settings in groups.items()}
    common = {*[type(row[0]) for row in rows], *[type(row[1]) for row in rows]} <= PLAIN
    # What wraps other tensors makes a wrapper of the mean too, whose numbers the host cannot ask for.
    wrapped = not common and any(is_traceable_wrapper_subclass(x) for row in rows for x in row)
    singles: list[Single | Batch] = []
    batches: dict[tuple[Any, ...], Batch] = {}
    for (_, _, settings), state, row, domain in zip(pieces, own, rows, domains, strict=True):
        p, g, step, which = row[0], row[1], state["step"], id(settings)
        plain, native = ways[which]
        special = wrapped or (not common and not {type(p), type(g)} <= PLAIN)
        if plain or special:
            free = special or torch.compiler.is_compiling() or settings["capturable"] or settings["differentiable"]
            singles.append(Single([row], step, settings, state, domain, free))
            continue
        kind = _kind(row, settings, native)
        key = (kind, which, step.item(), p.dtype, g.dtype, p.device, domain)
        batch = batches.get(key)
        if batch is None:
            batch = batches[key] = kind(int(step) + 1, settings, domain)
        batch.rows.append(row)
    return [*singles, *batches.values()]


def _kind(row: Row, settings: dict[str, Any], native: bool) -> type[Batch]:
    """How a row is updated beside others."""
    if native and row[0].is_cpu and loops(row[0].dtype) and suits(row):
        return Native
    return Lists if not settings["fused"] and adai_lists.pays(row) else Batch


def _check(parts: list[Single | Batch]) -> None:
    """Refuse states of another shape; native loops ask themselves."""
    for part in parts:
        if type(part) in (Batch, Lists):
            # Asked of every tensor in every step, since memory can be exchanged behind a tensor; hence in one go.
            params, _, *averages = zip(*part.rows, strict=True)
            if all(all(map(Tensor.is_same_size, params, column)) for column in averages):
                continue
        if type(part) is not Native:
            for row in part.rows:
                check_alike("Adai", row[0], dict(zip(STATE, row[2:], strict=True)))


def _plain(s: dict[str, Any]) -> bool:
    return s["foreach"] is False or s["capturable"] or s["differentiable"] or torch.compiler.is_compiling()


def _native(s: dict[str, Any], large: bool) -> bool:
    """Whether a group asks for native loops, which take some of its rows, and needs no other operations."""
    return bool(s["fused"] or (large and s["fused"] is None and not s["foreach"])) and s["dampening"] == 1


def _begin(fresh: list[tuple[Tensor, dict[str, Any]]], states: MutableMapping[Tensor, Any]) -> None:
    """Make the states of parameters that move for the first time."""
    small: dict[Any, list[Tensor]] = {}
    for param, settings in fresh:
        state, dtype = states[param], state_dtype(param)
        state["step"] = torch.zeros((), dtype=torch.float32, device=param.device if settings["capturable"] else "cpu")
        if type(param) in PLAIN and param.numel() < LARGE:
            small.setdefault((id(settings), dtype, param.device), []).append(param)
            continue
        for name in STATE:
            state[name] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
    for (_, dtype, _), params in small.items():
        for name in STATE:
            for param, zeros in zip(params, zeros_one_after_the_other(params, dtype), strict=True):
                states[param][name] = zeros

"""Parameters spread over processes: the part that lies here, and sums over all parts.

A `DTensor` (FSDP2, tensor parallelism) knows over which processes it is cut. Plain tensors do not: where each
process holds other ones (ZeRO-1), the process group says so.
"""

import sys
from collections.abc import Iterable
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from inertialab.optim.numerics import widest

Domain = tuple[Any, ...]
"""Process groups over which a tensor is cut; empty when all of it is here."""


def possible() -> bool:
    """Whether there can be a `DTensor`; its slow module is not imported to find out."""
    return "torch.distributed.tensor" in sys.modules


def is_sharded(x: Tensor) -> bool:
    """Whether this is a `DTensor`."""
    return possible() and isinstance(x, sys.modules["torch.distributed.tensor"].DTensor)


def local(x: Tensor) -> Tensor:
    """The part of a tensor that lies in this process."""
    return x.to_local() if is_sharded(x) else x  # pyright: ignore[reportAttributeAccessIssue]


def domain(x: Any, group: Any = None) -> Domain:
    """Process groups over which a tensor is cut.

    Args:
        x: Tensor or DTensor.
        group: Processes over which plain tensors are distributed, None when all of them are here.

    Raises:
        RuntimeError: If it is a sum of parts that has not been carried out.
    """
    if not is_sharded(x):
        return () if group is None else (group,)
    if any(p.is_partial() for p in x.placements):
        raise RuntimeError("A gradient is a pending sum over processes (Partial); redistribute it before the step.")
    mesh = x.device_mesh
    return tuple(mesh.get_group(i) for i, p in enumerate(x.placements) if p.is_shard() and mesh.size(i) > 1)


def total(shares: Iterable[tuple[Domain, Tensor]]) -> Tensor:
    """Sum of all shares over all processes that hold one; one all-reduce for each process group.

    Args:
        shares: Domains, and tensors of one shape, at least one of them.
    """
    gathered: dict[Domain, Tensor] = {}
    for where, share in shares:
        gathered[where] = gathered[where] + share.to(gathered[where]) if where in gathered else share
    for where, share in gathered.items():
        for group in where:
            dist.all_reduce(share, group=group)
    first, *others = gathered.values()
    return sum((x.to(first) for x in others), first)


def reduced(x: Tensor, how: Literal["max", "mean"], where: Domain) -> Tensor:
    """Maximum or mean of a tensor that is not negative, over all its parts; of none, zero.

    Args:
        x: The part that lies here.
        how: What is wanted.
        where: Process groups over which it is cut.
    """
    if how == "max":
        most = x.amax() if x.numel() else x.new_zeros(())
        for group in where:
            dist.all_reduce(most, dist.ReduceOp.MAX, group=group)
        return most
    sums = torch.stack([x.sum(), x.new_tensor(float(x.numel()))]) if where else None
    if sums is None:
        return x.mean() if x.numel() else x.new_zeros(())
    for group in where:
        dist.all_reduce(sums, group=group)
    return sums[0] / sums[1]


def nothing(group: Any) -> Tensor:
    """The share of a process that has none; shape (2,), where the group communicates."""
    device = torch.device(dist.distributed_c10d._get_object_coll_device(group))
    return torch.zeros(2, dtype=widest(device), device=device)


def refuse_cut(optimizer: str, what: str, instead: str, params: Iterable[Tensor]) -> None:
    """Refuse parameters that FSDP1 has flattened and cut, whether or not it shows them in their own shapes.

    Args:
        optimizer: Its name.
        what: What is not to be had from a part.
        instead: What to give for it.
        params: They may be among these.

    Raises:
        ValueError: Saying what to give, or what to use instead.
    """
    if any(hasattr(p, "_is_flat_param") or hasattr(p, "_fsdp_flattened") for p in params):
        raise ValueError(
            f"{optimizer}: these parameters are flattened and cut by FSDP1, and {what} is not to be had from a part; "
            f"give {instead}, or use fully_shard (FSDP2)."
        )


def zero_group() -> Any:
    """Process group of the `ZeroRedundancyOptimizer` that is being built around the calling optimizer, or None.

    It gives every process an optimizer over some of the parameters and tells it nothing about the others; only
    the callers on the stack know. Without this a mean over all parameters would silently be one over a part.
    """
    name = "torch.distributed.optim.zero_redundancy_optimizer"
    if name not in sys.modules:
        return None
    frame = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, sys.modules[name].ZeroRedundancyOptimizer):
            return owner.process_group  # pyright: ignore[reportOptionalMemberAccess]
        frame = frame.f_back
    return None

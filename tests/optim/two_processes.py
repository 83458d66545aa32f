"""One of two processes that train the same small model, each in its own way of distributing it.

Usage: python two_processes.py RANK RENDEZVOUS_FILE RESULT_FILE
"""

import copy
import json
import os
import pickle
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from inertialab.optim import Adai, AdaShift, CProp, RAdam, sharded

STEPS, LR = 8, 0.3
OTHERS = {
    "RAdam": lambda p: RAdam(p, lr=0.1),
    "AdaShift max": lambda p: AdaShift(p, lr=0.1, shift=2),
    "AdaShift mean": lambda p: AdaShift(p, lr=0.1, shift=2, reduction="mean"),
    "AdaShift none": lambda p: AdaShift(p, lr=0.1, shift=2, reduction="none"),
    "CProp": lambda p: CProp(torch.optim.SGD(p, lr=0.1)),
}
calls: list[int] = []


def model() -> torch.nn.Sequential:
    """Three layers whose second moments differ much."""
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3), torch.nn.Linear(3, 1))
    return net.double()


def data() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(STEPS, 6, 5, dtype=torch.float64, generator=generator) * torch.tensor([1, 3, 10, 0.1, 1.0])


def train(net: torch.nn.Module, optimizer: torch.optim.Optimizer, rows: slice) -> list[float]:
    """Positions of all parameters in the end, in one list; counts the sums over processes in every step."""
    for batch in data():
        optimizer.zero_grad()
        (net(batch[rows]) ** 2).mean().backward()
        before = len(counted)
        optimizer.step()
        calls.append(len(counted) - before)
    whole = [p.full_tensor() if isinstance(p, DTensor) else p for p in net.parameters()]
    return torch.cat([p.detach().reshape(-1) for p in whole]).tolist()


counted: list[int] = []
all_reduce = dist.all_reduce


def counting(tensor, *args, **kwargs):
    counted.append(tensor.numel())
    return all_reduce(tensor, *args, **kwargs)


def main(rank: int, rendezvous: str, result: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    sharded.dist.all_reduce = counting
    mine = slice(3 * rank, 3 * rank + 3)
    everything: dict[str, object] = {}

    net = model()
    everything["one process"] = train(net, Adai(net.parameters(), LR), slice(None))
    calls.clear()

    net = DistributedDataParallel(model())
    everything["DDP"] = train(net, Adai(net.parameters(), LR), mine)
    everything["DDP sums"] = [*calls]
    calls.clear()

    mesh = init_device_mesh("cpu", (2,))
    for name, foreach in (("FSDP2", None), ("FSDP2, plain loop", False)):
        net = model()
        for layer in net:
            fully_shard(layer, mesh=mesh)
        fully_shard(net, mesh=mesh)
        everything[name] = train(net, Adai(net.parameters(), LR, foreach=foreach), mine)
        everything[f"{name} sums"] = [*calls]
        calls.clear()

    net = model()
    fully_shard(net[0], mesh=mesh)
    everything["FSDP2 beside plain"] = train(net, Adai(net.parameters(), LR), slice(None))
    everything["FSDP2 beside plain sums"] = [*calls]
    calls.clear()

    for name, make in OTHERS.items():
        everything[f"{name}, one process"] = train(net := model(), make(net.parameters()), slice(None))
        net = model()
        for layer in net:
            fully_shard(layer, mesh=mesh)
        everything[f"{name}, FSDP2"] = train(net, make(net.parameters()), slice(None))
    calls.clear()

    net = FullyShardedDataParallel(model(), device_id=torch.device("cpu"), use_orig_params=True)
    for name, make in (("Adai", lambda p: Adai(p, LR)), ("AdaShift", AdaShift)):
        try:
            make(net.parameters())
        except ValueError as error:
            everything[f"{name}, FSDP1"] = str(error)
    optimizer = Adai(net.parameters(), LR, mean_group=dist.group.WORLD)
    train(net, optimizer, mine)
    with FullyShardedDataParallel.summon_full_params(net):
        everything["FSDP1, processes named"] = torch.cat([p.detach().reshape(-1) for p in net.parameters()]).tolist()
    everything["deep copy keeps the processes"] = copy.deepcopy(optimizer).mean_group is dist.group.WORLD
    try:
        pickle.dumps(optimizer)
    except TypeError as error:
        everything["pickle"] = str(error)
    calls.clear()

    for name, right in (("ZeRO-1", True), ("ZeRO-1, each process by itself", False)):
        net = model()
        find = sharded.zero_group
        sharded.zero_group = find if right else lambda: None
        optimizer = ZeroRedundancyOptimizer(net.parameters(), optimizer_class=Adai, lr=LR)
        sharded.zero_group = find
        everything[name] = train(net, optimizer, slice(None))
        everything[f"{name} sums"] = [*calls]
        calls.clear()

    # Second moments so small that sums are taken again where the host sees them, which it does not in every process.
    for name, capturable, mine in (("idle", True, rank == 0), ("of another kind", rank == 0, True)):
        p, alone = (torch.zeros(4, requires_grad=True) for _ in range(2))
        optimizer, plain = Adai([p], LR, capturable=capturable, mean_group=dist.group.WORLD), Adai([alone], LR)
        for k in range(3):
            alone.grad = torch.arange(1.0, 5.0) * 10.0 ** (k - 25)
            p.grad = alone.grad.clone() if mine else None
            optimizer.step()
            plain.step()
        everything[f"tiny gradients, the other {name}"] = [p.tolist(), alone.tolist()]

    if rank == 0:
        Path(result).write_text(json.dumps(everything))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    # On a busy machine torch now and then aborts in a thread of its own while the interpreter ends ("terminate called
    # without an active exception"); all that is tested has been done and written by then.
    os._exit(0)

"""One step of Adai beside other optimizers and beside the memory it moves, in one process, in turn.

A turn is one step that is not timed and one that is; the ratio of a pair of turns is the peer's time over ours.
List gathering is part of the step. The byte floor is what a step of Adai has to read and write: gradients once for the
mean of the new second moments, then gradient, parameter, average, second moment and 1 minus the product of all β₁ of
every coordinate, the last four changed: 24 bytes a parameter read and 16 written.
"""

import gc
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytorch_optimizer
import torch
from torch import Tensor

from inertialab.experiments import store
from inertialab.optim import Adai

RESULT = Path(__file__).parents[1] / "results" / "bench" / "optim.json"
Step = Callable[[], object]


def resnet18() -> list[tuple[int, ...]]:
    """Shapes of the 62 tensors of ResNet-18 for 1000 classes."""
    shapes: list[tuple[int, ...]] = [(64, 3, 7, 7), (64,), (64,)]
    width = 64
    for stage in (64, 128, 256, 512):
        for _ in range(2):
            shapes += [(stage, width, 3, 3), (stage,), (stage,), (stage, stage, 3, 3), (stage,), (stage,)]
            if stage != width:
                shapes += [(stage, width, 1, 1), (stage,), (stage,)]
            width = stage
    return [*shapes, (1000, 512), (1000,)]


Shapes = list[tuple[int, ...]]
CASES: dict[str, tuple[Shapes, int]] = {
    "ResNet-18": (resnet18(), 25),
    "2000 tensors of 1000": ([(1000,)] * 2000, 25),
    "100 M in 6 tensors": ([*[(4096, 4096)] * 5, (16_113_920,)], 7),
}
"""Shapes, and number of turns."""
OURS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "Adai": lambda p: Adai(p, lr=1e-9),
    "Adai, blocks": lambda p: Adai(p, lr=1e-9, fused=False),
}
"""Native loops, the default at these sizes, and torch's operations alone."""
PEERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "torch Adam, fused": lambda p: torch.optim.Adam(p, lr=1e-9, fused=True),
    "torch Adam, foreach": lambda p: torch.optim.Adam(p, lr=1e-9, foreach=True),
    "torch Adam, loop": lambda p: torch.optim.Adam(p, lr=1e-9, foreach=False),
    "torch SGD, foreach": lambda p: torch.optim.SGD(p, lr=1e-9, momentum=0.9, foreach=True),
    "pytorch_optimizer Adai": lambda p: pytorch_optimizer.Adai(p, lr=1e-9),
}


def stepper(make: Callable[[list[Tensor]], torch.optim.Optimizer], shapes: list[tuple[int, ...]]) -> Step:
    """An optimizer over tensors of these shapes, warmed up."""
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(s, generator=generator).requires_grad_() for s in shapes]
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator)
    optimizer = make(params)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


def floor(shapes: list[tuple[int, ...]]) -> Step:
    """Reads 24 bytes a parameter and writes 16: four arrays changed in place, two that are only read."""
    size = sum(int(np.prod(s)) for s in shapes)
    changed, read = [torch.zeros(size) for _ in range(4)], [torch.zeros(size) for _ in range(2)]
    return lambda: [*(x.add_(1.0) for x in changed), *(x.sum() for x in read)]


def seconds(step: Step) -> float:
    """Time of one step, after one that is not timed."""
    step()
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def compared(case: str, ours: str, peer: str, steps: tuple[Step, Step], turns: int) -> dict[str, object]:
    """One row of the table."""
    pairs = [(seconds(steps[0]), seconds(steps[1])) for _ in range(turns)]
    low, middle, high = np.percentile([theirs / own for own, theirs in pairs], (10, 50, 90))
    milliseconds = 1e3 * float(np.median([own for own, _ in pairs]))
    print(
        f"{case:40} {ours:12} {milliseconds:8.1f} ms  {middle:7.3f} times as fast as {peer} ({low:.3f} to {high:.3f})"
    )
    numbers = {"ratio": round(float(middle), 3), "low": round(float(low), 3), "high": round(float(high), 3), "n": turns}
    return {"case": case, "subject": ours, "peer": peer, "milliseconds": round(milliseconds, 2), **numbers}


def main() -> None:
    """Run all cases on one and two threads, print and keep them."""
    rows = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for case, (shapes, turns) in CASES.items():
            name = f"{case}, {threads} thread{'s' if threads > 1 else ''}"
            for ours, make in OURS.items():
                own = stepper(make, shapes)
                rows.append(compared(name, ours, "byte floor", (own, floor(shapes)), turns))
                for peer, theirs in PEERS.items():
                    gc.collect()
                    rows.append(compared(name, ours, peer, (own, stepper(theirs, shapes)), turns))
    machine = f"{platform.machine()}, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})


if __name__ == "__main__":
    main()

"""One step of Adai beside torch's Adam and the Adai of pytorch_optimizer, in one process, in turn.

The ratio of a pair of runs is the peer's time over ours. Set the number of threads by OMP_NUM_THREADS.
"""

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

REPEATS = 15
RESULT = Path(__file__).parents[1] / "results" / "bench" / "optim.json"


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


CASES = {"ResNet-18": resnet18(), "2000 tensors of 1000": [(1000,)] * 2000}
PEERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "torch Adam, fused": lambda p: torch.optim.Adam(p, lr=1e-9, fused=True),
    "torch Adam, foreach": lambda p: torch.optim.Adam(p, lr=1e-9, foreach=True),
    "pytorch_optimizer Adai": lambda p: pytorch_optimizer.Adai(p, lr=1e-9),
}


def stepper(make: Callable[[list[Tensor]], torch.optim.Optimizer], shapes: list[tuple[int, ...]]) -> Callable[[], None]:
    """An optimizer over tensors of these shapes, warmed up."""
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(s, generator=generator).requires_grad_() for s in shapes]
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator)
    optimizer = make(params)
    for _ in range(3):
        optimizer.step()
    return optimizer.step


def seconds(step: Callable[[], None]) -> float:
    """Time of one step."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def main() -> None:
    """Run all cases, print and keep them."""
    rows = []
    for case, shapes in CASES.items():
        ours = stepper(lambda p: Adai(p, lr=1e-9), shapes)
        for peer, make in PEERS.items():
            theirs = stepper(make, shapes)
            low, middle, high = np.percentile([seconds(theirs) / seconds(ours) for _ in range(REPEATS)], (10, 50, 90))
            rows.append(
                {
                    "case": f"{case}, {torch.get_num_threads()} threads",
                    "subject": "Adai",
                    "peer": peer,
                    "ratio": round(float(middle), 3),
                    "low": round(float(low), 3),
                    "high": round(float(high), 3),
                    "n": REPEATS,
                }
            )
            print(f"{rows[-1]['case']:36} {middle:7.3f} times as fast as {peer} ({low:.3f} to {high:.3f})")
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})


if __name__ == "__main__":
    main()

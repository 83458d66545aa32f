"""Gradients and steps of many real trainings at once beside `vmap(grad)`, in turn, on one thread.

Both make the same minibatch gradients; a step adds the draw of the batches and the optimizer, which both share.
"""

import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from inertialab.experiments import store
from inertialab.experiments.data import load
from inertialab.experiments.memory import keep_freed_memory
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Chains

RESULT = Path(__file__).parents[1] / "results" / "bench" / "training.json"
TURNS, STEPS = 15, 10
CASES = [
    ("digits", "tanh-mlp", 600, 16),
    ("digits", "softmax-regression", 600, 16),
    ("wine", "narrow-tanh-mlp", 600, 16),
]
PEER = "vmap(grad)"
Work = Callable[[], object]


class Nested(Problem):
    """The same problem, its gradients by automatic differentiation of every chain."""

    def gradients(self, flats: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """Gradients of many parameter vectors, each on samples of its own."""
        return vmap(grad(self.value))(flats, inputs, targets)


def seconds(work: Work) -> float:
    """Time of one turn."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def gradients(problem: Problem, count: int, batch: int) -> Work:
    """Minibatch gradients alone, samples gathered."""
    generator = torch.Generator().manual_seed(0)
    start = problem.start + 0.01 * torch.randn(count, len(problem.start), generator=generator, dtype=torch.float64)
    indices = torch.randint(len(problem.inputs), (count, batch), generator=generator)
    return lambda: [problem.batch_gradients(start, indices) for _ in range(STEPS)]


def steps(problem: Problem, count: int, batch: int, optimizer: str = "sgd") -> Work:
    """Whole steps of chains."""
    start, generator = problem.start.repeat(count, 1), torch.Generator().manual_seed(0)
    chains = Chains(problem, optimizer, {"eta": 0.01}, start, batch=batch, generator=generator)
    return lambda: chains.run(STEPS)


def compared(data: str, model: str, count: int, batch: int) -> Iterator[dict[str, object]]:
    """Gradients and steps of one case."""
    table = load(data)
    net = MODELS[model](table.inputs.shape[1], table.classes, torch.Generator().manual_seed(0))
    pair = [kind(net, table.inputs, table.targets, 0.01) for kind in (Problem, Nested)]
    for name, make in (("gradients", gradients), ("steps of SGD", steps)):
        own, other = (make(problem, count, batch) for problem in pair)
        own()
        other()
        ratios = [seconds(other) / seconds(own) for _ in range(TURNS)]
        low, middle, high = (round(float(q), 3) for q in np.percentile(ratios, (10, 50, 90)))
        case = f"{model} on {data}, {count} chains, batch {batch}"
        print(f"{case}, {name}: {middle:.2f} times as fast as {PEER} ({low} to {high})")
        row: dict[str, object] = {"case": case, "subject": name, "peer": PEER}
        yield row | {"ratio": middle, "low": low, "high": high, "n": TURNS}


def main() -> None:
    """Run all cases, print and keep them."""
    torch.set_num_threads(1)
    keep_freed_memory()
    found = [row for case in CASES for row in compared(*case)]
    machine = f"{platform.machine()}, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": found})


if __name__ == "__main__":
    main()

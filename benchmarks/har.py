"""A step of training with a penalty of the loss's derivative beside one without, and beside the published way.

The published code (kaidic/HAR, cifar_train.py) differentiates the mean loss and takes norms layer by layer; here it is
written anew, on the same layers. CPU time of one thread, in turn; and the products of layers with batches, counted, of
which the gradient of a penalty takes six for a layer after the first where a plain step takes three.
"""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inertialab.experiments import store
from inertialab.experiments.campaign.networks import network
from inertialab.experiments.har import JacobianPenalty
from inertialab.experiments.models import tanh_mlp

RESULT = Path(__file__).parents[1] / "results" / "bench" / "har.json"
TURNS, STEPS, BATCH, STRENGTH = 15, 4, 128, 0.01
Step = Callable[[], object]


def wider(generator: torch.Generator) -> nn.Module:
    """Four convolutions with group normalisation and tanh units."""
    layers: list[nn.Module] = []
    for a, b, stride in ((3, 32, 1), (32, 32, 2), (32, 64, 2), (64, 64, 1)):
        layers += [nn.Conv2d(a, b, 3, stride, padding=1), nn.GroupNorm(4, b), nn.Tanh()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


CASES: dict[str, tuple[Callable[[torch.Generator], nn.Module], tuple[int, ...]]] = {
    "two convolutions, images of 3 x 32 x 32": (lambda g: network("small", 3, 10, g), (3, 32, 32)),
    "four convolutions, images of 3 x 32 x 32": (wider, (3, 32, 32)),
    "tanh network of one hidden layer, 64 inputs": (lambda g: tanh_mlp(64, 10, g, hidden=100).float(), (64,)),
}


def steps(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, Step]:
    """A step of SGD in each way, by name."""
    optimizer, entropy = torch.optim.SGD(model.parameters(), lr=1e-3), nn.functional.cross_entropy
    penalty = JacobianPenalty(model, of="loss", form="sumnorm")
    layers = [model.get_submodule(name) for name in penalty.layers[:-1]]

    def moved(loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def plain() -> None:
        moved(entropy(model(x), y))

    def ours() -> None:
        outputs, sizes = penalty.with_outputs(x, y)
        moved(entropy(outputs, y) + STRENGTH * sizes.mean())

    def published() -> None:
        seen: list[Tensor] = []

        def keep(module: nn.Module, given: object, result: Tensor) -> None:
            seen.append(result)

        handles = [layer.register_forward_hook(keep) for layer in layers]
        loss = entropy(model(x), y)
        for handle in handles:
            handle.remove()
        slopes = torch.autograd.grad(loss, seen, create_graph=True)
        norms = torch.stack([torch.norm(g.reshape(len(g), -1), dim=1) for g in slopes], 1)
        moved(loss + STRENGTH * norms.sum(1).mean())

    return {"no penalty": plain, "published way": published, "ours": ours}


def seconds(step: Step) -> float:
    """CPU time of a few steps."""
    began = time.process_time()
    for _ in range(STEPS):
        step()
    return time.process_time() - began


def products(step: Step) -> int:
    """Multiplications in products of layers with batches."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def compared(case: str) -> list[dict[str, object]]:
    """Time of a peer's step over that of ours, paired in every turn."""
    make, shape = CASES[case]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, *shape, generator=generator)
    ways = steps(make(generator), x, torch.randint(10, (BATCH,), generator=generator))
    counts = {name: products(step) for name, step in ways.items()}
    print(f"{case}: products of ours over those of no penalty {counts['ours'] / counts['no penalty']:.2f}")
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS + 1):
        for name, step in ways.items():
            times[name].append(seconds(step))
    rows: list[dict[str, object]] = []
    for peer in ("no penalty", "published way"):
        ratios = np.array(times[peer][1:]) / np.array(times["ours"][1:])
        low, middle, high = (round(float(q), 3) for q in np.percentile(ratios, (10, 50, 90)))
        print(f"{case}: {peer} takes {middle:.2f} times as long as ours ({low} to {high}); ours is {1 / middle:.2f}")
        row: dict[str, object] = {
            "case": f"{case}, batch {BATCH}",
            "subject": "step with JacobianPenalty of the loss",
            "peer": peer,
        }
        rows.append(row | {"ratio": middle, "low": low, "high": high, "n": TURNS})
    return rows


def main() -> None:
    """Run all cases, print and keep them."""
    torch.set_num_threads(1)
    rows = [row for case in CASES for row in compared(case)]
    machine = f"{platform.machine()}, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})


if __name__ == "__main__":
    main()

"""Particles in compiled loops beside eager torch, torch.optim on an ensemble and the random numbers alone, in turn.

Every subject makes the same number of coordinate-steps; the ratio of a pair of turns is the peer's time over ours.
"""

import platform
import time
from collections.abc import Callable
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import numpy as np
import sympy as sp
import torch

from inertialab.experiments import store
from inertialab.experiments.codegen import rows, torch_step
from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System, indexed, normal
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import LANDSCAPES, quadratic

RESULT = Path(__file__).parents[1] / "results" / "bench" / "simulate.json"
TURNS, STEPS = 9, 40
LANDSCAPE = {
    "double well": LANDSCAPES["double-well"].at(),
    "10-D quadratic": quadratic(np.diag(np.linspace(0.1, 2, 10))),
}
CASES = [
    *(
        ("double well", row, 100_000, t)
        for row in ("sgd", "heavy-ball", "adam", "adai")
        for t in ("float32", "float64")
    ),
    *(
        ("10-D quadratic", row, 10_000, t)
        for row in ("sgd", "heavy-ball", "adam", "adai")
        for t in ("float32", "float64")
    ),
    ("double well", "sgd", 1_000_000, "float32"),
    ("10-D quadratic", "adai", 100_000, "float32"),
]
Work = Callable[[], object]


def system(landscape: str, optimizer: str) -> System:
    """A small step and moderate noise."""
    row = OPTIMIZERS[optimizer]
    defaults = {name: p.default for name, p in signature(row.make).parameters.items()}
    settings = {name: defaults[name] for name in row.settings} | {"eta": 0.01}
    settings |= {"beta": 0.9} if "beta" in row.settings else {}
    chosen = LANDSCAPE[landscape]
    return System(chosen, Noise.constant(chosen, 0.3), optimizer, settings)


def ours(setup: System, count: int, precision: str, threads: int) -> Work:
    """The compiled loops, warmed up."""
    crowd = Particles(
        setup, count, np.zeros(len(setup.landscape.coordinates)), precision=getattr(np, precision), threads=threads
    )
    crowd.advance(2, 0, 0)
    return lambda: crowd.advance(STEPS, 0, crowd.chunks)


def eager(setup: System, count: int, precision: str) -> Work:
    """The torch step of the same system, with torch's own normal numbers."""
    step, d = torch_step(setup), len(setup.landscape.coordinates)
    state = torch.zeros(len(rows(setup)), count, dtype=getattr(torch, precision))
    numbers = torch.empty(d, count, dtype=state.dtype)
    clock = iter(range(1, 1 << 30))
    return lambda: [step(state, numbers.normal_(), next(clock)) for _ in range(STEPS)]


def ensemble(setup: System, count: int, precision: str) -> Work:
    """PyTorch's own optimizer on one tensor of all particles, gradients by a compiled expression."""
    theta = torch.zeros(len(setup.landscape.coordinates), count, dtype=getattr(torch, precision))
    optimizer = OPTIMIZERS[setup.optimizer].make([theta], **setup.settings)
    drawn = [indexed(normal, i) for i in range(len(theta))]
    gradients = [setup.gradient(i) for i in range(len(theta))]
    slope = sp.lambdify((*setup.landscape.coordinates, *drawn), gradients, "numpy")
    noise = torch.empty_like(theta)

    def work() -> None:
        for _ in range(STEPS):
            noise.normal_()
            parts = slope(*theta, *noise) if len(theta) == 1 else None
            theta.grad = torch.stack(parts) if parts else curvature * theta + 0.3**0.5 * noise
            optimizer.step()

    curvature = torch.linspace(0.1, 2, len(theta), dtype=theta.dtype)[:, None]
    return work


def floor(setup: System, count: int, precision: str) -> Work:
    """As many of torch's normal numbers, and nothing else."""
    numbers = torch.empty(len(setup.landscape.coordinates), count, dtype=getattr(torch, precision))
    return lambda: [numbers.normal_() for _ in range(STEPS)]


PEERS: dict[str, Callable[[System, int, str], Work]] = {
    "torch normal_ alone": floor,
    "eager torch, same source": eager,
    "torch.optim on an ensemble": ensemble,
}


def seconds(work: Work) -> float:
    """Time of one turn."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Run all cases on one thread and two of them on two, print and keep them."""
    rows_found = []
    absent = [name for name in ("torchsde", "jax") if find_spec(name) is None]
    if absent:
        print(f"Left out, not installed: {', '.join(absent)}.")
    torch.set_num_threads(1)
    for landscape, optimizer, count, precision in CASES:
        setup = system(landscape, optimizer)
        work = ours(setup, count, precision, 1)
        coordinates = count * len(setup.landscape.coordinates) * STEPS
        peers = {
            name: make(setup, count, precision)
            for name, make in PEERS.items()
            if (optimizer, name) != ("adai", "torch.optim on an ensemble")
        }
        times = [(seconds(work), {name: seconds(peer) for name, peer in peers.items()}) for _ in range(TURNS)]
        rate = coordinates / float(np.median([own for own, _ in times])) / 1e6
        case = f"{landscape}, {optimizer}, {count:.0e} particles, {precision}, 1 thread"
        print(f"{case:66} {rate:7.0f} million coordinate-steps a second")
        for name in peers:
            rows_found.append(_row(case, name, [theirs[name] / own for own, theirs in times]))
    for landscape, optimizer, count, precision in CASES[:1] + CASES[-1:]:
        setup = system(landscape, optimizer)
        one, two = (ours(setup, count, precision, threads) for threads in (1, 2))
        case = f"{landscape}, {optimizer}, {count:.0e} particles, {precision}, 2 threads"
        rows_found.append(_row(case, "the same on 1 thread", [seconds(one) / seconds(two) for _ in range(TURNS)]))
    machine = f"{platform.machine()}, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows_found})


def _row(case: str, peer: str, ratios: list[float]) -> dict[str, object]:
    low, middle, high = (round(float(q), 3) for q in np.percentile(ratios, (10, 50, 90)))
    print(f"    {middle:7.2f} times as fast as {peer} ({low} to {high})")
    return {
        "case": case,
        "subject": "compiled loops",
        "peer": peer,
        "ratio": middle,
        "low": low,
        "high": high,
        "n": len(ratios),
    }


if __name__ == "__main__":
    main()

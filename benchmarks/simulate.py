"""Particles in compiled loops beside torch, torchsde, JAX and the random numbers alone, in turn.

Every subject makes the same number of coordinate-steps; the ratio of a pair of turns is the peer's time over ours.
Peers that are not installed are left out.
"""

import itertools
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
LARGE = CASES[-2:]
"""Also on two threads: calls of milliseconds would time how threads start."""
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


def euler_maruyama(setup: System, count: int, precision: str) -> Work:
    """The diffusion of which SGD makes the Euler-Maruyama steps, dθ = -L'dt + √(ηC)dW with dt = η, by torchsde."""
    eta, start = setup.settings["eta"], torch.zeros(count, 1, dtype=getattr(torch, precision))
    drift = sp.lambdify(setup.landscape.coordinates, -setup.landscape.gradients[0], "numpy")
    spread = torch.full_like(start, (eta * float(setup.noise.variances[0])) ** 0.5)
    equation = SimpleNamespace(
        noise_type="diagonal", sde_type="ito", f=lambda t, theta: drift(theta), g=lambda t, theta: spread
    )
    sdeint, ends = import_module("torchsde").sdeint, torch.tensor([0, STEPS * eta])
    return lambda: sdeint(equation, start, ends, method="euler", dt=eta)


def scan(setup: System, count: int, precision: str) -> Work:
    """A scan over the steps as one compiled JAX function, warmed up; JAX takes the process' one core."""
    jax = import_module("jax")
    eta, size = setup.settings["eta"], float(setup.noise.variances[0]) ** 0.5
    slope = sp.lambdify(setup.landscape.coordinates, setup.landscape.gradients[0], "numpy")

    def step(theta: Any, key: Any) -> tuple[Any, None]:
        return theta - eta * (slope(theta) + size * jax.random.normal(key, theta.shape, theta.dtype)), None

    steps = jax.jit(lambda theta, key: jax.lax.scan(step, theta, jax.random.split(key, STEPS))[0])
    start, keys = jax.numpy.zeros(count, precision), map(jax.random.key, itertools.count())
    jax.block_until_ready(steps(start, next(keys)))
    return lambda: jax.block_until_ready(steps(start, next(keys)))


def _everything(setup: System, precision: str) -> bool:
    return True


def _plain(setup: System, precision: str) -> bool:
    """SGD in one dimension and single precision."""
    return setup.optimizer == "sgd" and len(setup.landscape.coordinates) == 1 and precision == "float32"


@dataclass(frozen=True)
class Peer:
    """What particles are compared with.

    Attributes:
        make: Prepares a turn.
        module: Must be installed.
        covers: Whether it is compared in a case.
    """

    make: Callable[[System, int, str], Work]
    module: str = "torch"
    covers: Callable[[System, str], bool] = _everything


PEERS: dict[str, Peer] = {
    "torch normal_ alone": Peer(floor),
    "eager torch, same source": Peer(eager),
    # PyTorch's Adai keeps one mean for all coordinates of a tensor, not one for each particle.
    "torch.optim on an ensemble": Peer(ensemble, covers=lambda setup, _: setup.optimizer != "adai"),
    "torchsde, Euler-Maruyama": Peer(euler_maruyama, "torchsde", _plain),
    "JAX, compiled scan": Peer(scan, "jax", _plain),
}


def seconds(work: Work) -> float:
    """Time of one turn."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_core() -> set[int]:
    """Hold the process, and threads that it starts from now on, on one core; returns the cores it had."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    return cores


def main() -> None:
    """Run all cases on one core and the large ones on two threads, print and keep them."""
    installed = {name: peer for name, peer in PEERS.items() if find_spec(peer.module)}
    if absent := ", ".join(peer.module for name, peer in PEERS.items() if name not in installed):
        print(f"Left out, not installed: {absent}.")
    torch.set_num_threads(1)
    cores = one_core()  # JAX has no reliable number of threads
    found = [row for case in CASES for row in compared(*case, installed)]
    if cores:
        os.sched_setaffinity(0, cores)
    found += [doubled(*case) for case in LARGE]
    machine = f"{platform.machine()}, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": found})


def compared(
    landscape: str, optimizer: str, count: int, precision: str, installed: dict[str, Peer]
) -> list[dict[str, object]]:
    """One case on one thread, beside all peers that cover it."""
    setup = system(landscape, optimizer)
    work = ours(setup, count, precision, 1)
    peers = {n: p.make(setup, count, precision) for n, p in installed.items() if p.covers(setup, precision)}
    times = [(seconds(work), {name: seconds(peer) for name, peer in peers.items()}) for _ in range(TURNS)]
    coordinates = count * len(setup.landscape.coordinates) * STEPS
    rate = coordinates / float(np.median([own for own, _ in times])) / 1e6
    case = f"{landscape}, {optimizer}, {count:.0e} particles, {precision}, 1 thread"
    print(f"{case:66} {rate:7.0f} million coordinate-steps a second")
    return [_row(case, name, [theirs[name] / own for own, theirs in times]) for name in peers]


def doubled(landscape: str, optimizer: str, count: int, precision: str) -> dict[str, object]:
    """One case on two threads beside the same on one."""
    setup = system(landscape, optimizer)
    one, two = (ours(setup, count, precision, threads) for threads in (1, 2))
    case = f"{landscape}, {optimizer}, {count:.0e} particles, {precision}, 2 threads"
    return _row(case, "the same on 1 thread", [seconds(one) / seconds(two) for _ in range(TURNS)])


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

"""Curvature and noise beside one full-data gradient and beside public tools, in one process, in turn.

`python benchmarks/measure.py products eigenpairs` runs some parts and merges their rows into the record; each takes
about a minute. The ratio of each pair of runs is the peer's time over ours. Where the peer is a gradient, 1/ratio is
our cost in gradients. The eigenpairs of small networks are compared at equal accuracy: each is stopped when every
eigenvalue is within the tolerance of the full Hessian's. curvlinops and hessian-eigenthings are optional peers.
"""

import argparse
import json
import platform
import re
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyhessian
import scipy.sparse.linalg
import torch
from torch import Tensor, nn

from inertialab.experiments import data, models, store, training
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.measure import (
    Problem,
    hessian,
    noise_covariance,
    spectral_density,
    top_eigenpairs,
    trace,
    xtrace,
)
from inertialab.verification.measure.calibration import Penalised

Row = dict[str, Any]
REPEATS = 9
STEPS = 20  # of training before the networks are measured; at initialisation no eigenvalue stands out
ACCURACY = 1e-3
RESULT = Path(__file__).parents[1] / "results" / "bench" / "measure.json"


def seconds(run: Callable[[], list[float]], exact: np.ndarray) -> float:
    """Time of a run whose eigenvalues must be accurate."""
    began = time.perf_counter()
    values = run()
    elapsed = time.perf_counter() - began
    error = np.abs(np.array(values) / exact[: len(values)] - 1).max()
    if error > ACCURACY:
        raise RuntimeError(
            f"An eigenvalue is off by {error:.1e}, more than {ACCURACY:g}: the times cannot be compared."
        )
    return elapsed


def accurate(model: str, k: int, tolerance: float) -> dict[str, object]:
    """One row of the table."""
    digits = data.load("digits")
    net = models.MODELS[model](64, 10, torch.Generator().manual_seed(0))
    problem = TrainingProblem(net, digits.inputs, digits.targets, l2=0.001)
    at, _ = training.minimise(problem)
    exact = torch.linalg.eigvalsh(torch.func.hessian(problem.value)(at)).flip(0)[:k].numpy()
    penalised = Penalised(problem, at)

    def ours() -> list[float]:
        generator = torch.Generator().manual_seed(1)
        return top_eigenpairs(hessian(Problem.of(problem, at)), k, rtol=1e-3, generator=generator).values.tolist()

    def theirs() -> list[float]:
        instrument = pyhessian.hessian(penalised, penalised.loss, data=(problem.inputs, problem.targets), cuda=False)
        return instrument.eigenvalues(maxIter=5000, tol=tolerance, top_n=k)[0]

    ratios = [1 / seconds(ours, exact) * seconds(theirs, exact) for _ in range(REPEATS)]
    low, middle, high = np.percentile(ratios, (10, 50, 90)).round(2)
    return {
        "case": f"{model}, top {k}",
        "subject": "top_eigenpairs",
        "peer": f"PyHessian 0.1, tol {tolerance:g}",
        "ratio": float(middle),
        "low": float(low),
        "high": float(high),
        "n": REPEATS,
    }


class Network:
    """A network early in its training, and what is measured on it."""

    def __init__(self, name: str, model: nn.Module, batch: tuple[Tensor, Tensor]):
        self.name, self.model, self.batch, self.loss = name, model, batch, nn.CrossEntropyLoss()
        self.parameters = list(model.parameters())
        optimizer = torch.optim.SGD(self.parameters, lr=0.1, momentum=0.9)
        for _ in range(STEPS):
            for p, g in zip(self.parameters, self.gradient(), strict=True):
                p.grad = g
            optimizer.step()
        optimizer.zero_grad()
        self.problem = Problem(model, self.loss, batch)

    def gradient(self) -> tuple[Tensor, ...]:
        """The unit of cost, by plain autograd."""
        return torch.autograd.grad(self.loss(self.model(self.batch[0]), self.batch[1]), self.parameters)

    def curvlinops(self) -> Any:
        """The peer's Hessian, or None."""
        module = installed("curvlinops")
        return module and module.HessianLinearOperator(
            self.model, self.loss, self.parameters, [self.batch], check_deterministic=False
        )

    def eigenthings(self) -> Any:
        """The peer's Hessian, or None."""
        module = installed("hessian_eigenthings")
        return module and module.HessianOperator(self.model, [self.batch], module.supervised_loss(self.loss))


def installed(name: str) -> ModuleType | None:
    """A peer, or None and a word on why it is left out."""
    try:
        return import_module(name)
    except ImportError as error:
        print(f"{name} is left out: {error}")
        return None


def networks() -> Iterator[Network]:
    """A multilayer perceptron in float64 on digits, a convolutional network in float32 on 512 enlarged ones."""
    digits = data.load("digits")
    images = nn.functional.interpolate(digits.inputs[:512].float().view(-1, 1, 8, 8), size=16, mode="bilinear")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mlp = nn.Sequential(nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 32), nn.Tanh(), nn.Linear(32, 10)).double()
        convolutions = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        convolutions += [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        convolutions += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.Flatten()]
        convnet = nn.Sequential(*convolutions, nn.Linear(2048, 40), nn.ReLU(), nn.Linear(40, 10))
    yield Network("MLP, 10062 parameters, float64", mlp, (digits.inputs, digits.targets))
    yield Network("convnet, 175042 parameters, float32", convnet, (images, digits.targets[:512]))


def products() -> list[Row]:
    """One product, and a block of them."""
    rows = []
    for net in networks():
        v, block = torch.randn_like(net.problem.start), torch.randn(8, net.problem.size, dtype=net.problem.dtype)
        H, again = hessian(net.problem), hessian(net.problem, keep=False)
        C, anew = noise_covariance(net.problem), noise_covariance(net.problem, keep=False)
        ours: dict[str, Callable[[], object]] = {
            "Hessian product, kept": lambda H=H, v=v: H.matvec(v),
            "Hessian product, recomputed": lambda again=again, v=v: again.matvec(v),
            "8 Hessian products in a block": lambda H=H, block=block: H.rows(block),
            "noise product, kept": lambda C=C, v=v: C.matvec(v),
            "noise product, recomputed": lambda anew=anew, v=v: anew.matvec(v),
        }
        calls = 10 if net.problem.dtype == torch.float64 else 2
        rows += [paired(f"{net.name}: {what}", run, "one gradient", net.gradient, calls) for what, run in ours.items()]
        instrument = pyhessian.hessian(net.model, net.loss, data=net.batch, cuda=False)
        parts, other, third = net.problem.parts(v), net.curvlinops(), net.eigenthings()
        peers: dict[str, Callable[[], object]] = {
            "PyHessian 0.1, graph kept": lambda i=instrument, parts=parts: pyhessian.utils.hessian_vector_product(
                i.gradsH, i.params, parts
            )
        }
        if other is not None:
            peers["curvlinops 3"] = lambda other=other, v=v: other @ v
        if third is not None:
            peers["hessian-eigenthings 1.0"] = lambda third=third, v=v: third.matvec(v)
        kept = ours["Hessian product, kept"]
        rows += [paired(f"{net.name}: Hessian product", kept, *peer, calls) for peer in peers.items()]
    return rows


def eigenpairs() -> list[Row]:
    """The ten eigenvalues of largest magnitude to a residual of 1e-3, the graph included."""
    rows = []
    for net in networks():
        draw = torch.Generator().manual_seed(0)
        wanted = top_eigenpairs(hessian(net.problem), 10, "LM", generator=draw)

        def ours(net: Network = net, draw: torch.Generator = draw) -> object:
            return top_eigenpairs(hessian(net.problem), 10, "LM", generator=draw)

        # The number of products, which changes with the code, is no part of the name: rows replace those of before.
        case, turns = f"{net.name}: top 10", 5 if net.problem.size < 20000 else 3
        rows.append(paired(case, ours, "one gradient", net.gradient, 1, turns, theirs_calls=20))
        peers: dict[str, Callable[[], object]] = {}
        other, third = net.curvlinops(), net.eigenthings()
        if other is not None:
            scipy_operator = other.to_scipy()
            peers["curvlinops 3 with eigsh"] = lambda o=scipy_operator: scipy.sparse.linalg.eigsh(
                o,
                k=10,
                which="LM",
                tol=1e-3,  # pyright: ignore[reportArgumentType]
            )
        if third is not None:
            # It has no residual stop: it is told how many steps are enough.
            peers["hessian-eigenthings 1.0, told the number of steps"] = lambda third=third, m=wanted.matvecs: (
                import_module("hessian_eigenthings").lanczos(
                    third, k=10, max_iter=m, reorthogonalize=True, which="LM", seed=0
                )
            )
        if net.problem.size < 20000:
            peers["PyHessian 0.1, tol 1e-4"] = lambda net=net: pyhessian.hessian(
                net.model, net.loss, data=net.batch, cuda=False
            ).eigenvalues(maxIter=1000, tol=1e-4, top_n=10)
        rows += [paired(case, ours, *peer, 1, turns) for peer in peers.items()]
        rows = [{**row, "products": wanted.matvecs} if row["case"] == case else row for row in rows]
    return rows


def density() -> list[Row]:
    """The spectral density of the MLP from 80 steps of 5 probes."""
    net, draw = next(networks()), torch.Generator().manual_seed(0)

    def ours() -> object:
        return spectral_density(hessian(net.problem), 80, 5, generator=draw)

    case = f"{net.name}: density, 80 steps, 5 probes"
    rows = [paired(case, ours, "one gradient", net.gradient, 1, 5, theirs_calls=20)]
    other, third = net.curvlinops(), net.eigenthings()
    if other is not None:
        compute = import_module("curvlinops").lanczos_approximate_spectrum
        rows.append(paired(case, ours, "curvlinops 3", lambda: compute(other, 80, num_repeats=5), 1, 3))
    if third is not None:
        compute = import_module("hessian_eigenthings").spectral_density
        peer = lambda: compute(third, num_runs=5, lanczos_steps=80, seed=0)  # noqa: E731
        rows.append(paired(case, ours, "hessian-eigenthings 1.0", peer, 1, 3))
    return rows


def traces() -> list[Row]:
    """Relative error of the trace of the MLP's Hessian from 200 products; no times."""
    net, draw = next(networks()), torch.Generator().manual_seed(0)
    H = hessian(net.problem)
    exact = float(H.to_dense().trace())
    rows = []
    for name, estimate in TRACES.items():
        errors = [abs(estimate(H, draw) / exact - 1) for _ in range(20)]
        row = {"case": f"{net.name}: relative error of the trace, 200 products", "subject": name, "peer": "exact trace"}
        rows.append(row | spread(errors))
    return rows


TRACES: dict[str, Callable[..., float]] = {
    "Hutch++": lambda H, draw: trace(H, 0.0, generator=draw, max_matvecs=200).estimate.value,
    "XTrace": lambda H, draw: xtrace(H, 100, generator=draw).estimate.value,
}


def small() -> list[Row]:
    """Small networks at a minimum."""
    # PyHessian's tolerance is on successive values, so it must be smaller than the accuracy it is to reach.
    return [accurate(model, k, 1e-6) for model in models.MODELS for k in (1, 10)]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "small": small,
    "products": products,
    "eigenpairs": eigenpairs,
    "density": density,
    "trace": traces,
}


def paired(
    case: str,
    ours: Callable[[], object],
    peer: str,
    theirs: Callable[[], object],
    calls: int = 1,
    turns: int = REPEATS,
    theirs_calls: int | None = None,
) -> Row:
    """One row: both run in turn, some calls at a time; the first turn is not counted."""
    ratios = []
    for turn in range(turns + 1):
        mine, other = (mean_time(*run) for run in ((ours, calls), (theirs, theirs_calls or calls)))
        if turn:
            ratios.append(other / mine)
    return {"case": case, "subject": "ours", "peer": peer} | spread(ratios)


def spread(values: list[float]) -> Row:
    """Median, and the tenth of values on either side."""
    low, middle, high = (float(f"{x:.3g}") for x in np.percentile(values, (10, 50, 90)))
    return {"ratio": middle, "low": low, "high": high, "n": len(values)}


def mean_time(run: Callable[[], object], calls: int) -> float:
    """Seconds per call."""
    began = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - began) / calls


def merged(rows: list[Row]) -> list[Row]:
    """The recorded rows with new ones in the place of those of the same comparison."""
    key = lambda row: (row["case"], row["subject"], row["peer"])  # noqa: E731
    old = json.loads(RESULT.read_text())["rows"] if RESULT.exists() else []
    old = [{**row, "case": re.sub(r", \d+ products$", "", row["case"])} for row in old]  # named so until lately
    return [row for row in old if key(row) not in {key(new) for new in rows}] + rows


def main() -> None:
    """Run some parts, print and keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; choose from {', '.join(PARTS)}")
    warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True")
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    torch.manual_seed(0)
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    for part in chosen:
        rows = PARTS[part]()
        record = {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": merged(rows)}
        store.write_json(RESULT, record)
        for row in rows:
            cost = f"{1 / row['ratio']:8.3g} gradients" if row["peer"] == "one gradient" else f"{row['ratio']:8.3g}"
            print(f"{row['case']:75} {row['subject']}, {row['peer']}: {cost} ({row['low']} to {row['high']})")


if __name__ == "__main__":
    main()

"""Curvature and noise beside one full-data gradient and beside public tools, in one process, in turn.

The ratio of each pair of runs is the peer's time over ours. Where the peer is a gradient, 1/ratio is our cost in
gradients. The eigenpairs are compared at equal accuracy: each is stopped when every eigenvalue is within the tolerance
of the full Hessian's. curvlinops is an optional peer: its dependency torchvision rarely matches a CPU build of torch.
"""

import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyhessian
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
)
from inertialab.verification.measure.calibration import Penalised

REPEATS = 9
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


def case(model: str, k: int, tolerance: float) -> dict[str, object]:
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


def networks() -> dict[str, tuple[nn.Module, tuple[Tensor, Tensor]]]:
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
    return {
        "MLP, 10062 parameters, float64": (mlp, (digits.inputs, digits.targets)),
        "convnet, 175042 parameters, float32": (convnet, (images, digits.targets[:512])),
    }


def products(name: str, model: nn.Module, batch: tuple[Tensor, Tensor]) -> list[dict[str, object]]:
    """Rows in units of one gradient, and beside the peers' products."""
    parameters, loss = list(model.parameters()), nn.CrossEntropyLoss()

    def gradient() -> object:
        return torch.autograd.grad(loss(model(batch[0]), batch[1]), parameters)

    kept, problem = Problem(model, loss, batch), Problem(model, loss, batch)
    v = torch.randn_like(kept.start)
    block = torch.randn(8, kept.size, dtype=kept.dtype)
    H, again, C = hessian(kept), hessian(problem, "reverse"), noise_covariance(kept)
    noise_again = noise_covariance(problem, keep=False)
    draw = torch.Generator().manual_seed(0)
    ours: dict[str, Callable[[], object]] = {
        "Hessian product, kept graph": lambda: H.matvec(v),
        "Hessian product, recomputed": lambda: again.matvec(v),
        "8 Hessian products in a block": lambda: H.rows(block),
        "noise product, kept graph": lambda: C.matvec(v),
        "noise product, recomputed": lambda: noise_again.matvec(v),
        "top 10, residual 1e-3, graph included": lambda: top_eigenpairs(hessian(kept), 10, "LM", generator=draw),
    }
    if kept.dtype == torch.float64:
        ours["density, 80 steps, 5 probes"] = lambda: spectral_density(H, 80, 5, generator=draw)
    rows = [paired(f"{name}: {what}", run, "one gradient", gradient) for what, run in ours.items()]
    instrument = pyhessian.hessian(model, loss, data=batch, cuda=False)
    parts = kept.parts(v)
    peers: dict[str, Callable[[], object]] = {
        "PyHessian 0.1, graph kept": lambda: pyhessian.utils.hessian_vector_product(
            instrument.gradsH, instrument.params, parts
        )
    }
    try:
        from curvlinops import HessianLinearOperator  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        print(f"curvlinops is left out: {error}")
    else:
        peer = HessianLinearOperator(model, loss, parameters, [batch], check_deterministic=False)
        peers["curvlinops 3"] = lambda: peer @ v
    rows += [paired(f"{name}: Hessian product", ours["Hessian product, kept graph"], *p) for p in peers.items()]
    return rows


def paired(case: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object]) -> dict[str, object]:
    """One row: both run in turn, the first turn not counted."""
    ratios = []
    for turn in range(REPEATS + 1):
        times = []
        for run in (ours, theirs):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
        if turn:
            ratios.append(times[1] / times[0])
    low, middle, high = (float(f"{x:.3g}") for x in np.percentile(ratios, (10, 50, 90)))
    return {"case": case, "subject": "ours", "peer": peer, "ratio": middle, "low": low, "high": high, "n": REPEATS}


def main() -> None:
    """Run all cases, print and keep them."""
    warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True")
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    torch.manual_seed(0)
    # PyHessian's tolerance is on successive values, so it must be smaller than the accuracy it is to reach.
    rows = [case(model, k, 1e-6) for model in models.MODELS for k in (1, 10)]
    rows += [row for name, (model, batch) in networks().items() for row in products(name, model, batch)]
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})
    for row in rows:
        print(f"{row['case']:75} {row['ratio']:8.3g} times faster than {row['peer']} ({row['low']} to {row['high']})")


if __name__ == "__main__":
    main()

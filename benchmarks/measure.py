"""Top Hessian eigenpairs: our Lanczos beside PyHessian's power iteration, same network, same accuracy.

Both are run in one process, in turn; the ratio of each pair of runs is PyHessian's time over ours. Accuracy is
what counts as equal: each is stopped when every eigenvalue is within the tolerance of the full Hessian's.
"""

import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyhessian
import torch

from inertialab.experiments import data, models, store, training
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.measure import Problem, hessian, top_eigenpairs
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


def main() -> None:
    """Run all cases, print and keep them."""
    warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True")
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    torch.manual_seed(0)
    # PyHessian's tolerance is on successive values, so it must be smaller than the accuracy it is to reach.
    rows = [case(model, k, 1e-6) for model in models.MODELS for k in (1, 10)]
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    store.write_json(RESULT, {"schema": 1, "commit": store.commit()[0], "machine": machine, "rows": rows})
    for row in rows:
        print(f"{row['case']:30} {row['ratio']:8.2f} times faster than {row['peer']} ({row['low']} to {row['high']})")


if __name__ == "__main__":
    main()

"""PyHessian as an independent instrument: our top eigenvalue against its power iteration."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from inertialab.experiments.problem import Problem
from inertialab.verification.measure.lanczos import Eigenpairs

Result = TypeVar("Result")


class InstrumentsDisagreeError(RuntimeError):
    """Two independent measurements of one number differ by more than their errors."""


def pyhessian_top_eigenvalue(problem: Problem, at: Tensor, iterations: int = 1000) -> float:
    """Largest eigenvalue in magnitude by PyHessian 0.1.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,).
        iterations: Most power iterations.

    Returns:
        The eigenvalue, units L/θ².

    Raises:
        ImportError: If PyHessian is not installed; the sentence says what to do.
    """
    return _pyhessian(problem, at, lambda i: float(i.eigenvalues(maxIter=iterations, tol=1e-6, top_n=1)[0][0]))


def pyhessian_trace(problem: Problem, at: Tensor, probes: int = 400) -> tuple[float, float]:
    """Trace by PyHessian 0.1, a mean over Rademacher probes, and its standard error.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,).
        probes: Number of probes, all of which are used.

    Raises:
        ImportError: If PyHessian is not installed; the sentence says what to do.
    """
    samples = torch.tensor(_pyhessian(problem, at, lambda i: i.trace(maxIter=probes, tol=0.0)), dtype=torch.float64)
    return float(samples.mean()), float(samples.std() / len(samples) ** 0.5)


def _pyhessian(problem: Problem, at: Tensor, measure: Callable[[Any], Result]) -> Result:
    """Measure with PyHessian, and leave the global generator as it was."""
    try:
        import pyhessian
    except ImportError as error:
        raise ImportError(
            "PyHessian is not installed; `pip install pyhessian==0.1` adds this independent instrument."
        ) from error
    penalised = Penalised(problem, at)
    cuda = at.device.type == "cuda"
    with torch.random.fork_rng(devices=[at.device] if cuda else []), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True", category=UserWarning)
        # PyHessian draws from the global generator; the fork leaves that as it was.
        torch.manual_seed(0)
        instrument = pyhessian.hessian(penalised, penalised.loss, data=(problem.inputs, problem.targets), cuda=cuda)
        return measure(instrument)


class Penalised(nn.Module):
    """The model at given parameters, with its penalty in the loss, as PyHessian wants it.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,).
    """

    def __init__(self, problem: Problem, at: Tensor):
        super().__init__()
        self.problem = problem
        self.flat = nn.Parameter(at.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """What the model gives."""
        return self.problem.outputs(self.flat, inputs)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss with penalty."""
        return self.problem.loss(outputs, targets) + self.problem.penalty(self.flat)


def calibrate(problem: Problem, at: Tensor, pairs: Eigenpairs, tolerance: float = 1e-3) -> dict[str, Any]:
    """Compare the top eigenvalue with PyHessian's.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,).
        pairs: Our eigenpairs, largest first; the largest is also that in magnitude.
        tolerance: Relative difference allowed; a power iteration stops early.

    Returns:
        Both values, or why the instrument was not used.

    Raises:
        InstrumentsDisagreeError: If they differ by more.
    """
    ours = float(pairs.values[0])
    try:
        theirs = pyhessian_top_eigenvalue(problem, at)
    except ImportError as error:
        return {"ours": ours, "pyhessian": None, "reason": str(error)}
    if abs(theirs - ours) > tolerance * abs(ours):
        raise InstrumentsDisagreeError(
            f"The top eigenvalue is {ours:.6g} by Lanczos and {theirs:.6g} by PyHessian; "
            "no measurement that rests on it is kept."
        )
    return {"ours": ours, "pyhessian": theirs}

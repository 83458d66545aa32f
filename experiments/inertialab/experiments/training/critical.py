"""Critical points of training problems: minima, and saddles of a given index, to a given gradient norm."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.optimize
import scipy.sparse.linalg
import torch
from torch import Tensor
from torch.func import grad, vjp, vmap

from inertialab.experiments.problem import Problem

DENSE = 500
"""Parameters up to which the Hessian is made as a matrix; beyond, only its products are taken."""
CLOSE = 1e-4
"""Gradient norm below which a point of the right index is brought nearer by Newton steps of full length."""
FLAT = 1e-4
"""Least curvature, relative to the largest, that a step divides by."""

ZERO = 1e-9
"""Size, relative to the largest, below which a curvature is not counted as negative."""


class NotConvergedError(RuntimeError):
    """A critical point that was not reached to the asked gradient norm."""


def minimise(
    problem: Problem, gradient_norm: float = 1e-8, iterations: int = 2000, start: Tensor | None = None
) -> tuple[Tensor, float]:
    """Bring a problem to a local minimum by a Newton trust-region method with Hessian products.

    Args:
        problem: In float64.
        gradient_norm: Euclidean norm of the full-data gradient to reach.
        iterations: Most Newton steps.
        start: Where to begin, shape (P,); the model's own parameters by default.

    Returns:
        The parameters, shape (P,), and the gradient norm reached.

    Raises:
        NotConvergedError: If the norm is not reached.
    """
    device = problem.start.device

    def tensor(x: np.ndarray) -> Tensor:
        return torch.as_tensor(x, dtype=torch.float64, device=device)

    found = scipy.optimize.minimize(
        lambda x: float(problem.value(tensor(x))),
        (problem.start if start is None else start).cpu().numpy(),
        jac=lambda x: problem.gradient(tensor(x)).cpu().numpy(),
        hessp=lambda x, v: problem.hessian_product(tensor(x), tensor(v)).cpu().numpy(),
        method="trust-ncg",
        options={"gtol": gradient_norm, "maxiter": iterations},
    )
    norm = float(problem.gradient(tensor(found.x)).norm())
    if norm > gradient_norm:
        raise NotConvergedError(
            f"No minimum after {found.nit} Newton steps: gradient norm {norm:.1e}, asked for {gradient_norm:.1e}."
        )
    return tensor(found.x), norm


@dataclass(frozen=True)
class Saddle:
    """A critical point from which the loss falls in some directions.

    Attributes:
        at: Parameters, shape (P,).
        gradient_norm: Norm of the full-data gradient there.
        curvatures: Eigenvalues of the Hessian from the lowest, the negative ones and one more at least, L/θ².
        steps: Steps that led there.
    """

    at: Tensor
    gradient_norm: float
    curvatures: Tensor
    steps: int


def saddle(
    problem: Problem,
    index: int,
    start: Tensor | None = None,
    *,
    gradient_norm: float = 1e-11,
    iterations: int = 300,
    radius: float = 0.5,
) -> Saddle:
    """Climb to a saddle by following eigenvectors: up along the lowest modes of the Hessian, down along all others.

    Near a point of the right index every step is Newton's. Minimising the squared gradient instead ends where the
    gradient is an eigenvector of curvature zero.

    Args:
        problem: In float64. Up to 500 parameters the Hessian is made as a matrix.
        index: Number of negative curvatures, at least 1.
        start: Parameters to climb from, shape (P,); the model's own by default. Points of early training lead to
            saddles more often than initial weights do.
        gradient_norm: Euclidean norm of the full-data gradient to reach.
        iterations: Most steps.
        radius: Longest step, units θ.

    Raises:
        ValueError: If the problem is not in float64 or has no such index.
        NotConvergedError: If the norm is not reached, or at a point of another index.

    Example:
        >>> from inertialab.experiments.models import two_layer
        >>> X = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
        >>> net = two_layer(1, 1, torch.Generator().manual_seed(0), hidden=1)
        >>> half_square = lambda outputs, targets: 0.5 * (outputs - targets).square().mean()
        >>> found = saddle(Problem(net, X, X, loss=half_square), 1, torch.tensor([0.1, 0.2], dtype=torch.float64))
        >>> float(found.at.norm()) < 1e-10, float(found.curvatures[0])  # the origin, curvature -<xy>
        (True, -2.5)
    """
    at = problem.start.clone() if start is None else start.detach().clone()
    if at.dtype != torch.float64:
        raise ValueError(f"A saddle is found in float64, got {at.dtype}; call model.double() and convert the data.")
    if not 1 <= index < len(at):
        raise ValueError(f"The index must be 1 to {len(at) - 1}, one less than the number of parameters, got {index}.")
    way = _Dense(problem, index) if len(at) <= DENSE else _Products(problem, index)
    gradient, step = problem.gradient(at), 0
    while gradient_norm < float(gradient.norm()) < np.inf and step < iterations:
        move = way.step(at, gradient)
        at = at + move * min(1.0, radius / float(move.norm()))
        gradient, step = problem.gradient(at), step + 1
    norm = float(gradient.norm())
    if not norm <= gradient_norm:
        raise NotConvergedError(
            f"No saddle of index {index} after {step} steps: gradient norm {norm:.1e}, asked for {gradient_norm:.1e}. "
            "Start from another point, such as one after more or fewer steps of training, or allow more iterations."
        )
    low = way.lowest(at)
    found = int((low < -ZERO * low.abs().max()).sum())
    if found != index:
        few = f"{found}" if found < len(low) else f"at least {found}"
        raise NotConvergedError(
            f"The critical point has {few} negative curvatures, asked for {index}; start from another point."
        )
    return Saddle(at, norm, low, step)


def hessian_matrix(problem: Problem, at: Tensor) -> Tensor:
    """The full-data Hessian as a matrix, shape (P, P), from P Hessian products."""
    one = torch.eye(len(at), dtype=at.dtype, device=at.device)
    # Twice in reverse: `mse_loss` has no forward rule that such a batch of products could use.
    product = vjp(grad(problem.value), at)[1]
    (H,) = vmap(product, chunk_size=32)(one)
    return (H + H.T) / 2


class _Dense:
    """Steps with the whole spectrum."""

    def __init__(self, problem: Problem, index: int):
        self._problem, self._index = problem, index

    def step(self, at: Tensor, gradient: Tensor) -> Tensor:
        w, U = torch.linalg.eigh(hessian_matrix(self._problem, at))
        along = U.T @ gradient
        if float(gradient.norm()) < CLOSE and int((w < -ZERO * w.abs().max()).sum()) == self._index:
            return U @ (-along / w)
        size = w.abs().clamp_min(FLAT * float(w.abs().max()))
        size[: self._index] *= -1
        return U @ (-along / size)

    def lowest(self, at: Tensor) -> Tensor:
        return torch.linalg.eigvalsh(hessian_matrix(self._problem, at))


class _Products:
    """Steps with the lowest modes alone, and conjugate gradients across them."""

    def __init__(self, problem: Problem, index: int):
        self._problem, self._index = problem, index

    def _product(self, at: Tensor, v: np.ndarray) -> np.ndarray:
        vector = torch.as_tensor(v.reshape(-1), dtype=at.dtype, device=at.device)
        return vjp(grad(self._problem.value), at)[1](vector)[0].cpu().numpy()

    def _modes(self, at: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
        start = np.random.default_rng(0).standard_normal(len(at))
        shape, product = (len(at), len(at)), partial(self._product, at)
        H = scipy.sparse.linalg.LinearOperator(shape, matvec=product, dtype=np.float64)  # pyright: ignore
        w, U = scipy.sparse.linalg.eigsh(H, count, which="SA", v0=start, tol=1e-8)  # pyright: ignore
        return w, U

    def step(self, at: Tensor, gradient: Tensor) -> Tensor:
        w, U = self._modes(at, self._index)
        g = gradient.cpu().numpy()
        along = U.T @ g
        move = U @ (along / np.maximum(np.abs(w), FLAT * np.abs(w).max()))
        move -= _conjugate_gradients(partial(self._product, at), g - U @ along, U)
        return torch.as_tensor(move, dtype=at.dtype, device=at.device)

    def lowest(self, at: Tensor) -> Tensor:
        return torch.as_tensor(np.sort(self._modes(at, self._index + 1)[0]))


def _conjugate_gradients(product: Callable[[np.ndarray], np.ndarray], g: np.ndarray, U: np.ndarray) -> np.ndarray:
    """Solution of Hx = g across the columns of U, stopped where the curvature is not positive."""
    x, r = np.zeros_like(g), g.copy()
    direction, squared = r.copy(), float(r @ r)
    for _ in range(2 * len(g)):
        turned = product(direction)
        turned = turned - U @ (U.T @ turned)
        curvature = float(direction @ turned)
        if curvature <= 0:
            return x if x.any() else g  # along the gradient, the length being bounded elsewhere
        a = squared / curvature
        x, r = x + a * direction, r - a * turned
        before, squared = squared, float(r @ r)
        if squared <= 1e-20 * float(g @ g):
            break
        direction = r + squared / before * direction
    return x

"""Oracles: second moments of linear recursions without randomness, by independent numerics."""

import numpy as np
import scipy.linalg

from inertialab.theory.dynamics import MAPS, linear_recursion
from inertialab.theory.landscapes import QUADRATIC


def recursion(optimizer: str, **values: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of `state' = A state + b ξ` on a quadratic, from the symbolic update map.

    Args:
        optimizer: Name of a map in `inertialab.theory.dynamics.MAPS`.
        **values: `eta`, `h` and the optimizer's settings.

    Returns:
        A of shape (k, k) and b of shape (k, 1).
    """
    A, noise = linear_recursion(MAPS[optimizer], QUADRATIC)
    given = {s: values[str(s)] for s in A.free_symbols | noise.free_symbols}
    return np.array(A.subs(given), dtype=float), np.array(noise.subs(given), dtype=float)


def stationary_moments(A: np.ndarray, noise_covariance: np.ndarray) -> np.ndarray:
    """Stationary second moments P = A P Aᵀ + Q, by SciPy's discrete Lyapunov solver.

    Args:
        A: Transition matrix, shape (k, k), spectral radius below 1.
        noise_covariance: Q, shape (k, k).

    Returns:
        P, shape (k, k).

    Raises:
        ValueError: If the recursion is unstable.
    """
    radius = np.abs(np.linalg.eigvals(A)).max()
    if radius >= 1:
        raise ValueError(
            f"There is no stationary state: the spectral radius of one step is {radius:g}, it must be < 1."
        )
    return scipy.linalg.solve_discrete_lyapunov(A, noise_covariance)


def moments_after(A: np.ndarray, noise_covariance: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    """Second moments after a number of steps, one step at a time.

    Args:
        A: Transition matrix, shape (k, k).
        noise_covariance: Q, shape (k, k).
        start: Second moments before the first step, shape (k, k).
        steps: Number of steps.

    Returns:
        Second moments, shape (k, k).
    """
    moments = start
    for _ in range(steps):
        moments = A @ moments @ A.T + noise_covariance
    return moments

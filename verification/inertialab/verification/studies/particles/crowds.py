"""Many problems as coordinates of one compiled loop: quadratic landscapes, correlated noise, particles of both."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import quadratic


def block_diagonal(blocks: Iterable[Any]) -> np.ndarray:
    """Square matrices along the diagonal of a larger one, shape (sum of d, sum of d)."""
    parts = [np.asarray(block, dtype=float) for block in blocks]
    whole, first = np.zeros((sum(map(len, parts)),) * 2), 0
    for part in parts:
        own = slice(first, first + len(part))
        whole[own, own], first = part, own.stop
    return whole


def quadratic_system(optimizer: str, settings: Mapping[str, float], H: np.ndarray, root: np.ndarray) -> System:
    """θᵀHθ/2 with noise of covariance root rootᵀ, under an optimizer.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its settings.
        H: Hessian, shape (d, d), units L/θ².
        root: Root of the noise covariance, shape (d, d), units L/θ.
    """
    variances = tuple(map(sp.Float, np.diag(root @ root.T)))
    mixed = tuple(tuple(sp.Float(x) if x else sp.S.Zero for x in row) for row in root)
    return System(quadratic(H), Noise(variances, root=mixed), optimizer, settings)


def crowd_of(system: System, particles: int, **start: Any) -> Particles:
    """Particles at the critical point; `start` gives states, as `Particles` takes them."""
    return Particles(system, particles, np.zeros(len(system.landscape.coordinates)), states=start)

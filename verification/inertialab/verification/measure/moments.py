"""Second moments of ensembles and chains; the independent unit is the particle or the chain."""

import numpy as np

from inertialab.verification.measure.estimate import Estimate


def mean_square(positions: np.ndarray) -> Estimate:
    """Mean squared displacement from the origin.

    Args:
        positions: One per independent particle, shape (n,), units θ; or at several looks, shape (looks, n), of which
            a particle's own mean is one unit.

    Returns:
        Estimate of ⟨θ²⟩, units θ².
    """
    return Estimate.mean(_own(positions**2))


def mean_product(positions: np.ndarray, i: int, j: int) -> Estimate:
    """Mean product of two coordinates of particles whose mean is known to be the origin.

    Args:
        positions: Shape (n, d), units θ; or at several looks, shape (looks, n, d).
        i: First coordinate.
        j: Second coordinate.
    """
    return Estimate.mean(_own(positions[..., i] * positions[..., j]))


def _own(values: np.ndarray) -> np.ndarray:
    """Every particle's mean over the looks, if there are several."""
    return values.mean(0) if values.ndim > 1 else values


def chain_covariances(samples: np.ndarray, i: int, j: int) -> np.ndarray:
    """Each chain's own estimate of a stationary covariance.

    Deviations are from the mean over all chains and times, whose own error is smaller by the number of
    chains. Samples of one chain are correlated, so a chain counts once: its time average.

    Args:
        samples: Shape (times, chains, k), units θ.
        i: First direction.
        j: Second direction.

    Returns:
        One number per chain, shape (chains,), units θ².
    """
    centre = samples.mean(axis=(0, 1))
    return ((samples[..., i] - centre[i]) * (samples[..., j] - centre[j])).mean(axis=0)

"""Numbers for stationary laws with a power-law tail."""

from typing import Any

import numpy as np

_LARGEST = 1e4
"""Powers beyond which a tail is taken for none."""


def tail_index(eta: np.ndarray, curvatures: Any, shares: Any) -> np.ndarray:
    """The positive root α of Σ w_n |1 - ηh_n|^α = 1.

    Args:
        eta: Learning rate, θ²/L.
        curvatures: Of the minibatches, L/θ², shape (n,).
        shares: How often each is drawn, shape (n,).

    Returns:
        The root, in the shape of eta.

    Raises:
        ValueError: If shapes do not fit, shares do not add up to 1, steps do not contract on average, or none expands.
    """
    h, w = (np.asarray(x, dtype=float) for x in (curvatures, shares))
    if h.ndim != 1 or h.shape != w.shape or (w < 0).any() or abs(w.sum() - 1) > 1e-6:
        raise ValueError(
            "sgd.tail-index: curvatures and shares must be two rows of one length, and the shares must add up to 1; "
            f"got shapes {h.shape}, {w.shape} and a sum of {w.sum():g}."
        )
    return np.vectorize(lambda rate: _root(rate, h, w), otypes=[float])(eta)


def _root(eta: float, h: np.ndarray, w: np.ndarray) -> float:
    factors = np.abs(1 - eta * h[w > 0])
    with np.errstate(divide="ignore"):
        logs, w = np.log(factors), w[w > 0]
    if w @ logs >= 0:
        raise ValueError(f"sgd.tail-index: at eta = {eta:g} steps do not contract on average; there is no rest.")
    if logs.max() <= 0:
        raise ValueError(f"sgd.tail-index: at eta = {eta:g} no minibatch carries away; the tail is that of the noise.")

    def growth(power: float) -> float:
        """Logarithm of the mean, over the power: it has the same root and does not vanish at 0."""
        scaled = power * (logs - logs.max())
        return logs.max() + np.log(w @ np.exp(scaled)) / power

    high = 1.0
    while growth(high) < 0:
        high *= 2
        if high > _LARGEST:
            raise ValueError(f"sgd.tail-index: at eta = {eta:g} the power is beyond {_LARGEST:g}.")
    low = high
    while growth(low) >= 0:
        low /= 2
    while high - low > 1e-15 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if growth(middle) < 0 else (low, middle)
    return (low + high) / 2

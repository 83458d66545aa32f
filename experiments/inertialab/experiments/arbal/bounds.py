"""How far a sum of weighted loss differences can lie above its mean, at all rounds and for all comparisons at once.

A round gives X = (Q/p)(l_f - l_g), between -1 and 1 because p is at least the largest difference of two losses. From
exp(r x - psi(r) x^2) <= 1 + r x for x >= -1, psi(r) = -ln(1 - r) - r (Fan, Grama and Liu 2015), the product of
exp(r (X - mean) - psi X^2) is a supermartingale, and Ville's inequality bounds it for all rounds together.
"""

from __future__ import annotations

import numpy as np

RATES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""Values of r that are tried; each takes its share of the chance to err."""


def excess(squares: np.ndarray, log_count: float, rates: tuple[float, ...] = RATES) -> np.ndarray:
    """What a sum of X minus its mean exceeds with a chance of exp(-log_count) at most, whenever it is looked at.

    Args:
        squares: Sum of X^2 so far, any shape, dimensionless.
        log_count: Logarithm of the number of comparisons over the chance that any of them fails.
        rates: Values of r, between 0 and 1.

    Returns:
        Shape of `squares`; a slack of the mean is this over the number of rounds.
    """
    r = np.asarray(rates)
    psi = -np.log1p(-r) - r
    total = np.asarray(squares, dtype=float)[..., None] * psi + (log_count + np.log(len(r)))
    return np.min(total / r, axis=-1)


def log_pairs(hypotheses: int, delta: float, boxes: float = 0.0) -> float:
    """Logarithm of the comparisons of two hypotheses over the chance to err.

    Args:
        hypotheses: Their number M.
        delta: Chance that any comparison fails.
        boxes: Logarithm of the number of boxes that may be meant, weights of their depths included.
    """
    return 2 * np.log(hypotheses) + boxes - np.log(delta)


def log_triples(hypotheses: int, cuts: int, delta: float, boxes: float = 0.0) -> float:
    """The same for splits: one hypothesis before, one on either side after, and the cut."""
    return 3 * np.log(hypotheses) + np.log(max(cuts, 1)) + boxes - np.log(delta)


def log_boxes(depth: int, cuts: int) -> float:
    """Logarithm of the number of boxes after `depth` cuts, over the share of the chance to err that this depth gets."""
    return depth * np.log(2.0 * max(cuts, 1)) + (depth + 1) * np.log(2.0)

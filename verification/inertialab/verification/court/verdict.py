"""From an estimate and an equivalence margin to a verdict, with family-wise error control."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from inertialab.verification.measure.estimate import Estimate, Interval


class Verdict(StrEnum):
    """Three answers: the interval lies inside the band, outside it, or across its edge."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


def judge(interval: Interval, margin: float) -> Verdict:
    """Compare an interval of measured / predicted with the band [1 - margin, 1 + margin].

    Args:
        interval: Interval of the ratio, or of 1 + (measured - predicted) / scale.
        margin: Equivalence margin, stated before measuring; dimensionless.

    Returns:
        The verdict; an interval that is not finite is outside every band.

    >>> judge(Interval(0.99, 1.01), 0.05)
    <Verdict.CONFIRMED: 'confirmed'>
    >>> judge(Interval(0.90, 1.01), 0.05)
    <Verdict.UNDECIDED: 'undecided'>
    >>> judge(Interval(0.90, 0.93), 0.05)
    <Verdict.REFUTED: 'refuted'>
    """
    low, high = interval
    if not (np.isfinite(low) and np.isfinite(high)) or high < 1 - margin or low > 1 + margin:
        return Verdict.REFUTED
    if 1 - margin <= low and high <= 1 + margin:
        return Verdict.CONFIRMED
    return Verdict.UNDECIDED


def holm_levels(p: np.ndarray, alpha: float) -> np.ndarray:
    """Level at which Holm's step-down procedure tests each hypothesis.

    Args:
        p: p-values, shape (m,).
        alpha: Family-wise error rate.

    Returns:
        Levels, shape (m,): hypothesis i is rejected exactly when p[i] <= level[i]. Source: holm1979simple.
    """
    m = len(p)
    order = np.argsort(p, kind="stable")
    steps = alpha / (m - np.arange(m))
    accepted = np.flatnonzero(p[order] > steps)
    if len(accepted):
        steps[accepted[0] :] = steps[accepted[0]]
    levels = np.empty(m)
    levels[order] = steps
    return levels


def one_sided_levels(ratios: Sequence[Estimate], margins: Sequence[float], alpha: float) -> np.ndarray:
    """One-sided level for each check, so that all verdicts together err with probability at most alpha.

    There are two families of null hypotheses: "the ratio is outside its band", whose rejection confirms (two
    one-sided tests), and "it is inside", whose rejection refutes. Each family gets alpha/2 and Holm's
    procedure; a wrong verdict of either sort is then rarer than alpha over the whole board. An interval of
    confidence 1 - 2 level gives the same answer as the tests, so the interval shown is the judgement.

    Args:
        ratios: measured / predicted of each check.
        margins: Equivalence margin of each.
        alpha: Family-wise error rate over the board.

    Returns:
        Levels, shape (m,).
    """
    if not ratios:
        return np.empty(0)
    pairs = list(zip(ratios, margins, strict=True))
    inside = np.array([max(r.p_at_most(1 - d), r.p_at_least(1 + d)) for r, d in pairs])
    outside = np.array([min(r.p_at_least(1 - d), r.p_at_most(1 + d)) for r, d in pairs])
    confirm = holm_levels(inside, alpha / 2)
    # Leaving the band on either side refutes, so both tails share the level.
    refute = holm_levels(np.minimum(2 * outside, 1), alpha / 2) / 2
    return np.where(inside <= outside, confirm, refute)

"""Sampling until a number is precise enough: when to look at it, and what each look may spend of the error probability.

Who looks several times and may stop at each look gives each a share of the probability that its interval misses; the
shares of all looks add up to one, so that the interval covers however it was decided to stop, by Bonferroni's
inequality, without any assumption on how the looks depend on each other. The shares are those of the spending function
of Lan and DeMets (1983) that resembles Pocock's boundary: unlike O'Brien and Fleming's it lets an early look decide,
which is what it is for where one stops for precision; and its shares do not depend on the error probability.
"""

from __future__ import annotations

import numpy as np

LOOKS = 4
LEAST = 50
"""Samples before the first look: of fewer the standard error is itself uncertain by more than a tenth, and who stops
when it is small stops when it is too small. With a first look at 8 numbers scattered by 1.2 of the errors claimed."""


def looks(budget: int, unit: int = 1, number: int = LOOKS) -> dict[int, float]:
    """When to look, and the share of the error probability that each look may spend.

    Args:
        budget: How many samples there are at most; a multiple of `unit`.
        unit: Samples that are made together.
        number: Looks at most, spread evenly, but none before `LEAST` samples.

    Returns:
        Share by number of samples, the last look being the whole budget; the shares add up to 1.

    Raises:
        ValueError: If the budget is no positive multiple of the unit.

    >>> {n: round(share, 3) for n, share in looks(160, 8).items()}
    {80: 0.62, 120: 0.208, 160: 0.172}
    """
    if budget <= 0 or budget % unit:
        raise ValueError(f"A budget of {budget} is no positive multiple of {unit}, the samples made together.")
    whole = np.ceil(budget / unit * np.arange(1, number + 1) / number).astype(int) * unit
    times = sorted({n for n in whole.tolist() if n >= LEAST or n == budget})
    spent = np.log1p((np.e - 1) * np.array(times) / budget)
    return dict(zip(times, np.diff(spent, prepend=0.0).tolist(), strict=True))

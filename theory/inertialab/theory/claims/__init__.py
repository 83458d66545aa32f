"""Every claim, subject by subject."""

from difflib import get_close_matches

from inertialab.theory.claims import escape, noise, optimizers, saddle, stationary
from inertialab.theory.statement import Claim

SUBJECTS = (stationary, saddle, escape, noise, optimizers)

CLAIMS: tuple[Claim, ...] = tuple(claim for subject in SUBJECTS for claim in subject.CLAIMS)
"""Every claim, in reading order: a claim stands after those it uses."""

_BY_ID = {claim.id: claim for claim in CLAIMS}


def claim(id: str) -> Claim:
    """The claim of this id.

    Args:
        id: Permanent name such as `sgd.stationary-variance`.

    Raises:
        ValueError: If there is none; the sentence offers the nearest names.
    """
    if id in _BY_ID:
        return _BY_ID[id]
    nearest = get_close_matches(id, _BY_ID, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(nearest)}?" if nearest else f"Known claims: {', '.join(_BY_ID)}."
    raise ValueError(f"There is no claim {id!r}. {hint}")

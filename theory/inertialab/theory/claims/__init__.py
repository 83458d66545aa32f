"""Every claim, subject by subject."""

from inertialab.theory.claims import active, escape, noise, optimizers, regularisation, saddle, stationary
from inertialab.theory.names import meant
from inertialab.theory.statement import Claim

SUBJECTS = {
    "Stationary laws around a minimum": stationary.CLAIMS,
    "Leaving a saddle": saddle.CLAIMS,
    "Leaving a minimum": escape.CLAIMS,
    "Gradient noise": noise.CLAIMS,
    "The optimizers themselves": optimizers.CLAIMS,
    "Regularisation by the derivative": regularisation.CLAIMS,
    "Asking for labels": active.CLAIMS,
}
"""The claims of each subject, in reading order."""

CLAIMS: tuple[Claim, ...] = tuple(claim for subject in SUBJECTS.values() for claim in subject)
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
    known = f"Known claims: {', '.join(_BY_ID)}."
    raise ValueError(f"There is no claim {id!r}. {meant(id, _BY_ID, known)}")


def subject_of(id: str) -> str:
    """The subject that a claim belongs to, as a heading; empty for an id that no claim has."""
    return next((heading for heading, claims in SUBJECTS.items() if any(c.id == id for c in claims)), "")

"""Regularisation by a penalty of the derivative, stronger where labels are noisy and rare: in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "strength",
    "groups",
    "labels",
    "gradients",
)

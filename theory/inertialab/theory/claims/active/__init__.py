"""Asking for labels: one file a claim or a family that shares its steps, in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "requests",
    "slacks",
    "growth",
    "regions",
)

"""Leaving a saddle: one file a claim or a family that shares its steps, in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "sgd",
    "momentum",
    "underdamped",
    "entry",
    "symmetric",
    "adam",
    "adai",
    "covariance",
    "rotation",
    "speed",
)

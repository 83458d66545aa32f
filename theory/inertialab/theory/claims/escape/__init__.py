"""Leaving a minimum: one file a claim or a family that shares its steps, in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "white_noise",
    "sgd",
    "momentum",
    "turnover",
    "finite_step",
    "any_noise",
    "minibatch",
    "vanishing",
    "entropic",
    "adam",
    "batches",
    "adai",
    "power_law",
    "levy",
    "ellipse",
    "ellipsoid",
    "linear_chain",
    "selection",
)

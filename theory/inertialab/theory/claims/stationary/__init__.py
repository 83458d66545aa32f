"""Stationary laws around a minimum: one file a claim or a family that shares its steps, in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "sgd",
    "momentum",
    "continuous",
    "fluctuation",
    "momentum_moments",
    "shuffled",
    "modified",
    "adam",
    "adai",
    "density",
    "scale_invariance",
    "label_noise",
    "shuffled_loss",
    "multiplicative",
    "current",
    "shift",
    "large_batches",
)

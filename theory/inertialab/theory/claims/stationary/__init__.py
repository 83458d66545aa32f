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
    "adaptive_covariance",
    "decoupled",
    "density",
    "scale_invariance",
    "label_noise",
    "valleys",
    "shuffled_loss",
    "multiplicative",
    "tail",
    "cloud",
    "current",
    "shift",
    "large_batches",
)

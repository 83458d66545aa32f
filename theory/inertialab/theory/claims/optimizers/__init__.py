"""The optimizers themselves: one file a claim or a family that shares its steps, in reading order."""

from inertialab.theory.statement import claims_in

CLAIMS = claims_in(
    __name__,
    "scaling",
    "sharpness",
    "adai",
    "edge",
    "radam",
    "radam_average",
    "radam_update",
    "adashift",
    "adashift_order",
    "adashift_drift",
    "cprop",
    "cprop_heat",
    "cprop_fast",
)

"""Gradient noise: what its claims are confronted with."""

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.studies.exact import identities
from inertialab.verification.studies.study import Study

ALL_BATCHES = Study("all-batches", identities.batches, {"sizes": [(6, 2), (7, 7), (8, 3), (5, 1)]})

CHECKS: tuple[BaseCheck, ...] = (
    Check("noise.sampling", "numerics", ALL_BATCHES, "factor", 1e-9, where=lambda p: p["B"] < p["n_samples"]),
)

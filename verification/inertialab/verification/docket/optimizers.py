"""The optimizers themselves: what their claims are confronted with."""

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.studies.exact import identities
from inertialab.verification.studies.study import Study

SHARPENED = Study("sharpened-paths", identities.sharpened, {"factor": 4.0, "steps": 200})
RESCALED = Study("rescaled-loss", identities.rescaled, {"factor": 4.0, "steps": 200})
INERTIAS = Study("inertia-mean", identities.inertias, {"beta0s": [0.1, 0.3]})

CHECKS: tuple[BaseCheck, ...] = (
    Check("scaling.identity", "numerics", SHARPENED, "rate", 1e-12),
    Check("adai.scale-invariance", "numerics", RESCALED, "rate", 1e-12),
    Check("adai.inertia-mean", "numerics", INERTIAS, "mean", 1e-12),
)

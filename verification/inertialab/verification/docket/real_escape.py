"""Leaving minima by the minibatches of real data: what its claims are confronted with."""

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import weights

HEART, TUMOUR = "cardiotocography", "breast-cancer"
# The unit of η/B is about that at which the exponent is 1.
VARIANCE = {"data": HEART, "feature": 18, "label": 0, "bias": 1.5, "at": 0.7, "unit": 0.63}
TENDENCY = {"data": HEART, "feature": 19, "label": 0, "bias": 1.0, "at": -0.2, "unit": 0.06}
CONCAVITY = {"data": TUMOUR, "feature": 18, "label": 1, "bias": 1.5, "at": -0.5, "unit": 0.187}
RATES = drawn("one-weight", lambda exponent, B: {"rate": 1 / exponent, "B": B})
CHAINS = (
    Study("heart-weight-chain", weights.exponents, {"wells": [VARIANCE, TENDENCY], "points": RATES}, data=HEART),
    Study("tumour-weight-chain", weights.exponents, {"wells": [CONCAVITY], "points": RATES}),
)
FEW = {"events": [16_000, 5000], "chains": 4000}
MANY = {"events": [80_000, 24_000]}
COUNTED = (
    Study(
        "heart-weight-counted",
        weights.departures,
        {"wells": [VARIANCE | {"B": 4, "rate": 1 / 4.5}], **FEW},
        full=MANY,
        data=HEART,
    ),
    Study(
        "tumour-weight-counted",
        weights.departures,
        {"wells": [CONCAVITY | {"B": 2, "rate": 1 / 4.5}], "events": [15_000, 4500], "chains": 4000},
        full=MANY,
    ),
)
MINIBATCH = "sgd.escape-minibatch"
CHECKS: tuple[BaseCheck, ...] = (
    *(Check(MINIBATCH, "numerics", study, "exponent", 0.01) for study in CHAINS),
    # The two rates are so high that the logarithm of a time grows a hundredth more slowly than the exponent.
    *(Check(MINIBATCH, "real", study, "exponent", 0.06) for study in COUNTED),
)

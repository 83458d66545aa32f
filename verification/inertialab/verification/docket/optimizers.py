"""The optimizers themselves: what their claims are confronted with."""

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.exact import edges, identities
from inertialab.verification.studies.study import Study

SHARPENED = Study("sharpened-paths", identities.sharpened, {"factor": 4.0, "steps": 200})
RESCALED = Study("rescaled-loss", identities.rescaled, {"factor": 4.0, "steps": 200})
INERTIAS = Study("inertia-mean", identities.inertias, {"beta0s": [0.1, 0.3]})
GD_EDGES = Study("gd-edges", edges.edges, {"optimizer": "sgd", "points": drawn("gd-edges")})
BALL_EDGES = Study("ball-edges", edges.edges, {"optimizer": "heavy-ball", "points": drawn("ball-edges")})
ADAM_EDGES = Study("adam-edges", edges.edges, {"optimizer": "adam", "points": drawn("adam-edges")})

CHECKS: tuple[BaseCheck, ...] = (
    Check("scaling.identity", "numerics", SHARPENED, "rate", 1e-12),
    Check("adai.scale-invariance", "numerics", RESCALED, "rate", 1e-12),
    Check("adai.inertia-mean", "numerics", INERTIAS, "mean", 1e-12),
    # The threshold of a step; that training settles there is the conjecture.
    Check("gd.edge-of-stability", "numerics", GD_EDGES, "edge", 1e-9),
    Check("heavy-ball.edge-of-stability", "numerics", BALL_EDGES, "edge", 1e-9),
    Check("adam.edge-of-stability", "numerics", ADAM_EDGES, "edge", 1e-9),
)

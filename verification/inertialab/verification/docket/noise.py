"""Gradient noise: what its claims are confronted with."""

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.exact import identities
from inertialab.verification.studies.particles import minibatches, networks
from inertialab.verification.studies.study import Study


def _batch(n_samples: int, share: float, sampling: str) -> dict:
    """A batch of about a share of the samples; shuffled epochs need one that divides them."""
    most = n_samples - 1 if sampling == "without replacement" else n_samples // 2
    size = max(1, min(most, round(share * n_samples)))
    count = n_samples if sampling == "without replacement" else n_samples // size * size
    return {"n_samples": count, "B": size, "sampling": sampling}


ALL_BATCHES = Study("all-batches", identities.batches, {"sizes": [(6, 2), (7, 7), (8, 3), (5, 1)]})
DRAWN_BATCHES = Study(
    "drawn-batches",
    minibatches.sampled,
    {"points": drawn("batches", _batch), "draws": 300_000},
    full={"draws": 2_000_000},
)
CLASSES = Study(
    "noise-of-classes",
    networks.noise_over_curvature,
    {
        "points": [
            {"model": "softmax-regression", "outputs": 4, "B": 1},
            {"model": "tanh-mlp", "outputs": 3, "B": 4},
            {"model": "tanh-mlp", "outputs": 5, "B": 8},
        ],
        "samples": 320_000,
        "directions": 2,
    },
    full={"samples": 1_600_000, "directions": 4},
)
OUTPUTS = Study(
    "noise-of-outputs",
    networks.noise_over_curvature,
    {
        "points": [
            {"model": "softmax-regression", "outputs": 2, "B": 1, "sigma2": 0.3},
            {"model": "tanh-mlp", "outputs": 3, "B": 2, "sigma2": 4.0},
        ],
        "samples": 2_500_000,
        "directions": 1,
    },
    full={"samples": 6_400_000, "directions": 4},
)

CHECKS: tuple[BaseCheck, ...] = (
    Check("noise.sampling", "numerics", ALL_BATCHES, "factor", 1e-9, where=lambda p: p["B"] < p["n_samples"]),
    Check("noise.sampling", "simulation", DRAWN_BATCHES, "factor", 0.02),
    Check("noise.hessian-proportional", "simulation", CLASSES, "ratio", 0.05),
    Check("noise.squared-loss", "simulation", OUTPUTS, "ratio", 0.02),
)

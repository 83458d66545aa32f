"""Asking for labels: what its claims are confronted with."""

from typing import Any

from inertialab.verification.court.bounds import BoundCheck, ChanceCheck
from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.active import growth, requests, sets, slacks, splits
from inertialab.verification.studies.study import Study


def _line(**drawn: float) -> dict[str, Any]:
    """Thresholds so dense, and rows so many, that those alive lie within the width of one."""
    return {"M": 200, "reach": 1.2, "steep": 1.0, "rounds": 20_000, **drawn}


ALL_COINS = Study("all-coins", requests.all_coins, {"points": drawn("all-coins"), "rows": 10})
RANGES = Study("asked-ranges", requests.ranges, {"points": drawn("asked-ranges"), "rows": 400})
GRADIENTS = Study(
    "asked-gradients",
    requests.gradients,
    {"points": drawn("asked-gradients"), "draws": 1_000_000},
    full={"draws": 4_000_000},
)
WASTES = Study(
    "asking-wastes", requests.wastes, {"points": drawn("wastes"), "draws": 1_000_000}, full={"draws": 10_000_000}
)
RARE = Study(
    "rare-losses", slacks.rare, {"points": drawn("rare-losses"), "streams": 300_000}, full={"streams": 1_000_000}
)
SHRUNK = Study(
    "rare-losses-shrunk",
    slacks.rare,
    {"points": drawn("rare-losses-shrunk"), "streams": 100_000},
    full={"streams": 1_000_000},
)
COVERED = Study(
    "covered-pairs",
    slacks.covered,
    {"points": drawn("covered-pairs"), "runs": 90, "rows": 300},
    full={"runs": 400, "rows": 2000},
)
CHANCES = Study(
    "asked-chances",
    growth.chances,
    {"points": drawn("asked-chances", _line), "runs": 11},
    full={"points": [point | {"rounds": 96_000} for point in drawn("asked-chances", _line)], "runs": 12},
)
FIRST_SPLIT = Study(
    "first-split", splits.until_split, {"points": drawn("first-split"), "runs": 300}, full={"runs": 1000}
)
FALSE_GAINS = Study(
    "false-gains",
    splits.false_gains,
    {"points": drawn("false-gains"), "runs": 100, "rows": 150},
    full={"runs": 400, "rows": 2000},
)
STAIRS = Study("stairs", splits.stairs, {"points": drawn("stairs"), "rows": 16_000})
GAINS = Study("region-gains", sets.gains, {"points": [{"set": "digits-odd"}, {"set": "breast-cancer"}]})
# With the whole slack nothing splits at these sizes, nor do eighty labels tell tumours apart by boxes.
ERRORS = Study(
    "region-errors",
    sets.errors,
    {
        "points": [
            {"set": "digits-odd", "labels": 400, "rows": 450, "slack": 0.1},
            {"set": "digits-odd", "labels": 200, "rows": 250, "slack": 1.0},
            {"set": "breast-cancer", "labels": 80, "rows": 100, "slack": 0.1},
        ],
        "shuffles": 16,
    },
    full={"shuffles": 60},
)

CHECKS: tuple[BaseCheck, ...] = (
    Check("iwal.unbiased", "numerics", ALL_COINS, "weighted", 1e-9),
    Check("iwal.range", "numerics", RANGES, "range", 1e-9),
    Check("iwal.noise", "simulation", GRADIENTS, "square", 0.02),
    Check("iwal.best-p", "simulation", WASTES, "waste", 0.02),
    Check("iwal.time-uniform", "simulation", RARE, "exceeded", 0.02),
    Check("iwal.shrunk-slack", "simulation", RARE, "exceeded", 0.02),
    Check("iwal.shrunk-slack", "simulation", SHRUNK, "exceeded", 0.02),
    Check(
        "iwal.time-uniform",
        "simulation",
        SHRUNK,
        "exceeded",
        0.02,
        expected=Verdict.REFUTED,
        instead="iwal.shrunk-slack",
        where=lambda p: p["shrink"] < 1,
    ),
    ChanceCheck("iwal.time-uniform", "simulation", COVERED, "share", 0.01),
    ChanceCheck("iwal.time-uniform", "simulation", FALSE_GAINS, "share", 0.01),
    Check("iwal.label-growth", "simulation", CHANCES, "chance", 0.05),
    Check(
        "iwal.label-growth-azuma",
        "simulation",
        CHANCES,
        "chance",
        0.05,
        expected=Verdict.REFUTED,
        instead="iwal.label-growth",
    ),
    Check("arbal.split", "simulation", FIRST_SPLIT, "rows", 0.05),
    Check("arbal.gain", "real", GAINS, "risk-ratio", 1e-9),
    Check("arbal.regions", "numerics", STAIRS, "regions", 0.02),
    BoundCheck("arbal.beats-iwal", "real", ERRORS, "error-ratio", 0.02, where=lambda p: p["regions"] > 1),
    BoundCheck(
        "arbal.beats-iwal",
        "real",
        ERRORS,
        "error-ratio",
        0.02,
        expected=Verdict.REFUTED,
        instead="arbal.gain",
        where=lambda p: p["regions"] == 1,
    ),
)

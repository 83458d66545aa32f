"""Asking for labels: what its claims are confronted with."""

from functools import partial
from typing import Any

from inertialab.verification.court.bounds import BoundCheck, ChanceCheck
from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.active import growth, requests, sets, slacks, splits
from inertialab.verification.studies.study import Study

EARLY, LATE = (20_000, 1.2), (160_000, 0.95)
"""Rounds, and how far hypotheses reach: two and a half times as far as those still alive by then, or what was gathered
before they could be given up would count."""


def _line(when: tuple[int, float], **drawn: float) -> dict[str, Any]:
    """Thresholds so dense, and rows so many, that those alive lie within the width of one."""
    return {"M": 200, "reach": when[1], "steep": 1.0, "rounds": when[0], **drawn}


def _split(M: int, flips: float, **drawn: float) -> dict[str, Any]:
    """More runs where few comparisons or many flips make the rows until a split vary more; those runs are cheap."""
    return {"M": M, "flips": flips, "runs": 1400 if flips > 0.1 else 1000 if M < 4 else 300, **drawn}


def _sheet(set: str, labels: int, slack: float, shuffles: int) -> dict[str, Any]:
    """Errors at a number of labels, of which few more rows than that are shown; more shuffles where errors differ."""
    rows = labels + (50 if labels > 100 else 20)
    return {"set": set, "labels": labels, "rows": rows, "slack": slack, "shuffles": shuffles}


ALL_COINS = Study("all-coins", requests.all_coins, {"points": drawn("all-coins"), "rows": 10})
RANGES = Study("asked-ranges", requests.ranges, {"points": drawn("asked-ranges"), "rows": 400})
GRADIENTS = Study(
    "asked-gradients",
    requests.gradients,
    {"points": drawn("asked-gradients"), "draws": 1_000_000},
    full={"draws": 4_000_000},
)
WASTES = Study(
    "asking-wastes",
    requests.wastes,
    {"points": [*drawn("wastes"), *drawn("wastes-apart")], "draws": 1_000_000},
    full={"draws": 10_000_000},
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
    {
        "points": [
            *drawn("asked-chances", partial(_line, EARLY)),
            *drawn("asked-chances-later", partial(_line, LATE)),
        ],
        "runs": 11,
    },
    full={"runs": 40},
)
FIRST_SPLIT = Study(
    "first-split",
    splits.until_split,
    {"points": [*drawn("first-split", _split), *drawn("first-split-noisy", _split)], "more": 1},
    full={"more": 3},
)
FALSE_GAINS = Study(
    "false-gains",
    splits.false_gains,
    {"points": drawn("false-gains"), "runs": 100, "rows": 150},
    full={"runs": 400, "rows": 2000},
)
STAIRS = Study("stairs", splits.stairs, {"points": drawn("stairs"), "rows": 16_000})


GAINS = Study("region-gains", sets.gains, {"points": [{"set": "digits-odd"}, {"set": "breast-cancer"}]})
# With the whole slack nothing splits at these sizes, nor do eighty labels tell tumours, or 3 and 5, apart by boxes.
ERRORS = Study(
    "region-errors",
    sets.errors,
    {
        "points": [
            _sheet("digits-odd", 400, 0.1, 16),
            _sheet("digits-odd", 200, 1.0, 6),
            _sheet("breast-cancer", 80, 0.1, 6),
            _sheet("digits-3-5", 80, 0.1, 6),
        ],
        "more": 1,
    },
    full={"more": 4},
)
AVILA = Study(
    "region-errors-avila",
    sets.errors,
    {"points": [_sheet("avila", 400, 0.1, 40)], "more": 1},
    full={"more": 4},
    data="avila",
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
    BoundCheck("arbal.beats-iwal", "real", AVILA, "error-ratio", 0.02),
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

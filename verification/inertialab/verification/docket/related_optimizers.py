"""RAdam, AdaShift and CProp: what their claims are confronted with."""

from collections.abc import Callable
from typing import Any

from inertialab.theory import claim
from inertialab.theory.statement import Layer
from inertialab.verification.court.check import BaseCheck, Check, Point, in_regime
from inertialab.verification.court.orders import OrderCheck
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.related import averages, drifts, factors, gates, shifted
from inertialab.verification.studies.study import Study


def _looks(table: str, name: str) -> list[int]:
    """Steps at which a run is looked at."""
    return sorted(point[name] for point in drawn(table))


PLAIN = Study("radam-plain", factors.plain_factors, {"points": drawn("radam-plain")})
PLAIN_RUN = Study(
    "radam-plain-run",
    averages.plain_factors,
    {"looks": _looks("radam-plain-looks", "rho"), "coordinates": 1_000_000},
    full={"coordinates": 4_000_000},
)
# Down to the fewest gradients with a variance: all whole numbers, of which a draw would leave out some.
FEWEST_POINTS = {"points": [{"rho": count} for count in (3, 4, 5, 6)]}
FEWEST = Study("radam-fewest", factors.plain_factors, FEWEST_POINTS)
FEWEST_RUN = Study(
    "radam-fewest-run",
    averages.few_gradients,
    {**FEWEST_POINTS, "coordinates": 1_500_000},
    full={"coordinates": 6_000_000},
)
AVERAGES = Study("radam-averages", factors.averages, {"points": drawn("radam-averages")})
LATE = Study(
    "radam-late-averages",
    factors.averages,
    {"points": [{"beta2": 1 - slow, "T": round(10 / slow)} for slow in (0.01, 0.014, 0.02)]},
)
AVERAGE_RUN = Study(
    "radam-average-run",
    averages.averages,
    {"beta2s": [0.982], "looks": _looks("radam-average-looks", "T"), "coordinates": 800_000},
    full={"coordinates": 4_000_000},
)
RECTIFIED = Study(
    "radam-rectified",
    factors.rectified,
    {
        "points": [
            *drawn("radam-rectified"),
            # Where a step more, a memory of half the length, and what is taken from the late freedom make a difference.
            *drawn("radam-rectified-first"),
            *drawn("radam-rectified-long"),
        ]
    },
)
RECTIFIED_RUN = Study(
    "radam-rectified-run",
    averages.rectified,
    {
        "beta2s": [0.99, 0.995],
        "looks": _looks("radam-rectified-looks", "T"),
        "coordinates": 1_200_000,
        "late_coordinates": 10_000,
        "late_looks": 12,
    },
    full={"coordinates": 4_000_000, "late_coordinates": 100_000},
)
# The shortest memory of the regime, few steps and about two memories: what the runs above cannot tell apart.
RECTIFIED_ENDS = Study(
    "radam-rectified-ends",
    averages.rectified,
    {
        "beta2s": [0.9805],
        "looks": _looks("radam-rectified-ends", "T") + _looks("radam-rectified-late-looks", "T"),
        "coordinates": 1_000_000,
        "late_coordinates": 10_000,
        "late_looks": 12,
    },
    full={"coordinates": 4_000_000, "late_coordinates": 100_000},
)
WARMUPS = Study("radam-warmup", factors.warmups, {"points": drawn("radam-warmup")})
UPDATES = Study("radam-updates", factors.updates, {"points": drawn("radam-updates")})
UPDATE_RUN = Study(
    "radam-update-run",
    averages.updates,
    {"points": drawn("radam-update-runs"), "looks": [1, 2, 3, 5, 10, 20, 50, 100], "coordinates": 60_000},
    full={"coordinates": 1_000_000},
)


def _parabola(eta: float, h: float, share: float, beta2: float) -> dict[str, float]:
    """A constant under the root that is a share of learning rate times curvature."""
    return {"eta": eta, "h": h, "delta": eta * h / share, "beta2": beta2}


def _two_valued(
    chance: float, sign: int, mean: float, scale: float, forget: float, beta2: float
) -> dict[str, float | list[float]]:
    """A law of two values, of mean and scale."""
    low, high = -(((1 - chance) / chance) ** 0.5), (chance / (1 - chance)) ** 0.5
    values = [scale * (sign * value + mean) for value in (low, high)]
    return {"values": values, "chances": [chance, 1 - chance], "beta": 1 - forget, "beta2": beta2}


def _memory(mu: float, forget: float, near: float) -> dict[str, float]:
    """A memory of the second moment that lets the sign change near a size."""
    share = 2 * mu / (near - 1)
    return {"mu": mu, "beta": 1 - forget, "beta2": round(1 - share * forget / (forget - share * (1 - forget)), 6)}


def _within(id: str, table: str, make: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """Points of a table at which a claim speaks."""
    return [p for p in drawn(table, make) if in_regime(claim(id), p)]


def _slow(c: float, slow: float, share: float, h: float, C: float) -> dict[str, float]:
    """A direction that relaxes in many times the memory of the scale."""
    return {"eta": share * slow / h, "h": h, "C": C, "beta": 1 - slow, "c": c}


def _fast(c: float, slow: float, steep: float, h: float, C: float) -> dict[str, float]:
    """A direction that relaxes many times within the memory of the scale."""
    return {"eta": steep / h, "h": h, "C": C, "beta": 1 - slow, "c": c}


PERIODS = Study("adashift-periods", shifted.net_updates, {"points": drawn("adashift-periods")})
ORDERS = Study("adashift-orders", shifted.net_factors, {"points": drawn("adashift-orders")})
WHOLE = Study("adashift-whole-periods", shifted.same_steps, {"points": drawn("adashift-whole-periods")})
CYCLES = Study(
    "adashift-cycles",
    shifted.cycles,
    {
        "points": [
            *drawn("adashift-cycles", _parabola),
            *drawn("adashift-rests", _parabola),
            *drawn("adashift-edge-below", _parabola),
            *drawn("adashift-edge-above", _parabola),
        ]
    },
)
CYCLE_FACTORS = Study(
    "adashift-cycle-factors", shifted.cycle_factors, {"points": drawn("adashift-cycle-factors", _parabola)}
)
DRIFTS = Study(
    "adam-drift",
    drifts.drifts,
    {"points": drawn("adam-drift", _two_valued), "coordinates": 6_000, "looks": 12},
    full={"coordinates": 40_000},
)
RARE = {"points": drawn("rare-factors"), "coordinates": 3_000, "looks": 3}
ADAM_FACTORS = Study("adam-factor", drifts.factor_losses, {"optimizer": "adam", **RARE}, full={"coordinates": 40_000})
SHIFT_FACTORS = Study(
    "adashift-factor", drifts.factor_losses, {"optimizer": "adashift", **RARE}, full={"coordinates": 40_000}
)
SIGNS = Study(
    "adam-critical",
    drifts.sign_changes,
    {
        "points": [
            *_within("adashift.critical", "adam-critical", _memory)[:4],
            # Momentum that remembers about as long as the second moment, without which its part is not seen.
            *_within("adashift.critical", "adam-critical-long", _memory)[:2],
        ],
        "sizes": [4, 5.5, 7, 9, 11.5, 14.5, 18, 23],
        "coordinates": 1_500,
        "looks": 6,
    },
    full={"coordinates": 20_000},
)
SCALE = {"looks": _looks("cprop-looks", "T"), "coordinates": 40_000}
FLOORS = Study(
    "cprop-floor",
    gates.floors,
    {"points": [{"snr": 0.0, **p} for p in drawn("cprop-floor")], **SCALE},
    full={"coordinates": 400_000},
)
CONFORMING = Study("cprop-snr", gates.floors, {"points": drawn("cprop-snr"), **SCALE}, full={"coordinates": 400_000})
HEATS = Study(
    "cprop-heat",
    gates.heats,
    {
        "points": [
            *drawn("cprop-heat", _slow),
            # Faster ones, of which nothing is claimed: beside a memory that is not long.
            *({"eta": fast * 0.01, "h": 1.0, "C": 1.0, "beta": 0.99, "c": 1.0} for fast in (3.0, 10.0, 30.0)),
        ],
        "particles": 2_500,
        "looks": 24,
    },
    full={"particles": 20_000},
)
# What is looked at relaxes many times within the memory that is waited for: many looks at few particles.
FASTS = Study(
    "cprop-fast",
    gates.heats,
    {
        "points": [
            *_within("cprop.fast-temperature", "cprop-fast", _fast)[:2],
            # A third of the ratio, at which another root of it says something else.
            *_within("cprop.fast-temperature", "cprop-fast-long", _fast)[:1],
        ],
        "particles": 1_000,
        "looks": 120,
    },
    full={"particles": 10_000},
)
FACTOR = 0.015
"""Four standard errors of a variance over a million coordinates."""
SLOW = 0.03
"""A moving average deviates by 1 - beta2, 2% at the most."""


def _counted_too_few(point: Point) -> bool:
    """Where the centre of mass is not that of the first steps nor of many."""
    return 0.3 < point["T"] * (1 - point["beta2"]) < 5


def _refuted(
    id: str, true: str, quantity: str, margin: float, where: Callable[[Point], bool], **studies: Study
) -> tuple[Check, ...]:
    """A published formula in some layers, and what the same measurements must confirm in its place."""
    layers: tuple[Layer, ...] = ("numerics", "simulation")
    return tuple(
        Check(id, layer, studies[layer], quantity, margin, where, expected=Verdict.REFUTED, instead=true)
        for layer in layers
        if layer in studies
    )


def _everywhere(point: Point) -> bool:
    return True


def _of_first_order(point: Point) -> bool:
    """Where the squared factor has a variance."""
    return point["rho"] > 4


RADAM: tuple[BaseCheck, ...] = (
    Check("radam.mean-factor", "numerics", PLAIN, "mean", 1e-6),
    Check("radam.mean-factor", "simulation", PLAIN_RUN, "mean", 0.003),
    Check("radam.mean-factor", "numerics", FEWEST, "mean", 1e-6),
    Check("radam.mean-factor", "simulation", FEWEST_RUN, "mean", 0.003),
    *_refuted("radam.mean-factor-bound", "radam.mean-factor", "mean", 0.001, _everywhere, numerics=PLAIN),
    *_refuted("radam.mean-factor-bound", "radam.mean-factor", "mean", 0.001, _everywhere, numerics=FEWEST),
    Check("radam.variance", "numerics", PLAIN, "variance", 1e-6),
    Check("radam.variance", "simulation", PLAIN_RUN, "variance", FACTOR),
    Check("radam.variance", "numerics", FEWEST, "variance", 1e-6),
    # Margin: weighted runs know a variance half as well as the others.
    Check("radam.variance", "simulation", FEWEST_RUN, "variance", 2 * FACTOR),
    *_refuted(
        "radam.variance-first-order",
        "radam.variance",
        "variance",
        FACTOR,
        _everywhere,
        numerics=PLAIN,
        simulation=PLAIN_RUN,
    ),
    *_refuted(
        "radam.variance-first-order",
        "radam.variance",
        "variance",
        2 * FACTOR,
        _of_first_order,
        numerics=FEWEST,
        simulation=FEWEST_RUN,
    ),
    Check("radam.satterthwaite", "numerics", AVERAGES, "freedom", 1e-9),
    Check("radam.satterthwaite", "simulation", AVERAGE_RUN, "freedom", FACTOR),
    *_refuted(
        "radam.centre-of-mass",
        "radam.satterthwaite",
        "freedom",
        FACTOR,
        _counted_too_few,
        numerics=AVERAGES,
        simulation=AVERAGE_RUN,
    ),
    Check("radam.average-variance", "numerics", AVERAGES, "variance", SLOW),
    OrderCheck("radam.average-variance", "numerics", LATE, "variance", 0.05),
    Check("radam.average-variance", "simulation", AVERAGE_RUN, "variance", SLOW),
    Check("radam.rectified-variance", "numerics", RECTIFIED, "ratio", SLOW),
    Check("radam.rectified-variance", "simulation", RECTIFIED_RUN, "ratio", 0.035),
    Check("radam.rectified-variance", "simulation", RECTIFIED_ENDS, "ratio", 0.035),
    *_refuted(
        "radam.rectification",
        "radam.rectified-variance",
        "ratio",
        0.05,
        _everywhere,
        numerics=RECTIFIED,
        simulation=RECTIFIED_RUN,
    ),
    Check("radam.warmup", "numerics", WARMUPS, "rectification", 0.05),
    Check("radam.mean-update", "numerics", UPDATES, "size", 0.01),
    Check("radam.mean-update", "simulation", UPDATE_RUN, "size", 0.02),
)
ADASHIFT: tuple[BaseCheck, ...] = (
    Check("adashift.net-update", "numerics", PERIODS, "way", 1e-9),
    Check("adashift.net-factor-order", "numerics", ORDERS, "factor", 1e-9),
    # Margin: not bit for bit, since PyTorch's Adam rounds each term of its averages and AdaShift their difference.
    # Three roundings a step that are forgotten with 35 steps of memory at the most, in both.
    Check("adashift.periodic", "numerics", WHOLE, "ratio", 3e-14),
    Check("adashift.cycle", "numerics", CYCLES, "radius", 1e-6),
    Check("adashift.cycle-factor", "numerics", CYCLE_FACTORS, "factor", 1e-6),
    Check("adashift.net-factor", "simulation", SHIFT_FACTORS, "loss", 0.01),
    # Margins: the next order of a slow second moment is below 2% in the regimes.
    Check("adashift.net-factor-adam", "simulation", ADAM_FACTORS, "loss", 0.02),
    # A mean step that nearly cancels magnifies it.
    Check("adashift.drift", "simulation", DRIFTS, "drift", 0.05),
    Check("adashift.critical", "simulation", SIGNS, "critical", 0.04),
)
CPROP: tuple[BaseCheck, ...] = (
    # Margins: an estimated variance of some hundred degrees of freedom adds half of a percent, and twice that squared.
    Check("cprop.noise-floor", "simulation", FLOORS, "scale", 0.025),
    Check("cprop.noise-floor-square", "simulation", FLOORS, "square", 0.04),
    Check("cprop.snr", "simulation", CONFORMING, "scale", 0.025),
    # Margin: first order in both small ratios of the regime, which is 1% there.
    Check("cprop.temperature", "simulation", HEATS, "heat", 0.04),
    # Margin: what the scale forgets while the direction relaxes is 5% of what it holds at the edge of the regime.
    Check("cprop.fast-temperature", "simulation", FASTS, "fast", 0.05),
)
CHECKS: tuple[BaseCheck, ...] = (*RADAM, *ADASHIFT, *CPROP)

"""Regime maps: a law measured over the two groups that decide whether it holds, far beyond the regime it claims.

A map judges nothing: it shows where a law may be used. Its study is one of those that judge, given a grid of points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inertialab.verification.docket import maps_factors, maps_leaving, maps_resting, maps_sampled
from inertialab.verification.docket.climbs import adam_climb, frozen_climb, loss_climb, sgd_climb
from inertialab.verification.docket.grids import Axis, Map, grid, over, spaced
from inertialab.verification.studies.exact import chains, inertia, saddle
from inertialab.verification.studies.flow import escape as flow
from inertialab.verification.studies.study import Findings, Study
from inertialab.verification.studies.training import resting, saddles


def _exact(id: str, claims: Sequence[str], measure: Callable[..., Findings], *rest: Any, **settings: Any) -> Map:
    """A map of escape times by exact numerics; other arguments as for `over`."""
    return over(id, claims, "numerics", measure, "time", *rest, **settings)


EXPONENT = spaced("exponent of the escape time", 4, 18, 6)
RATIO = spaced("Ha / Hb", 0.125, 8, 7)
SHORT = spaced(EXPONENT.name, 4, 14, 5)
FORGOTTEN = spaced("(1 - β₂) · exponent", 0.01, 1, 5)
FRICTION = spaced("1 - β", 0.01, 0.5, 6)
HEIGHT = spaced("B ΔL", 0.004, 0.5, 6)
POWER = spaced("B / (η h)", 2, 40, 6)
TIME = Axis("T η |h|", tuple(float(x) for x in (0.04, 0.12, 0.4, 1.2, 4.0)))
STEP = 0.02
"""η|h| of the map of saddles."""
BETA = Axis("β", (0.1, 0.5, 0.8, 0.9, 0.95, 0.98))


def _slowed(exponent: float, friction: float) -> dict[str, float]:
    return {"ratio": 1.0, "eta": 0.004, "beta": 1 - friction, "D": 1 / exponent}


def _particle(point: Mapping[str, Any]) -> dict[str, float]:
    """The damped particle that EMA momentum is matched with."""
    eta, friction = point["eta"], 1 - point["beta"]
    return {"M": eta / friction, "gamma": friction / eta, "D": eta * point["C"] / 2, "t": eta * point["T"]}


ESCAPES = (
    _exact(
        "eyring-kramers",
        ["langevin.eyring-kramers"],
        flow.passages,
        lambda x, y: {"ratio": y, "barrier": 1.0, "D": 1 / x},
        EXPONENT,
        RATIO,
        "white noise",
    ),
    _exact(
        "sgd-escape",
        ["sgd.escape", "sgd.escape-attributed"],
        chains.sgd_minibatches,
        lambda x, y: sgd_climb(1.0, 0.5, x, y),
        EXPONENT,
        HEIGHT,
        "Ha = Hb, half of the exponent on either side",
    ),
    _exact(
        "sgd-escape-uneven",
        ["sgd.escape", "sgd.escape-attributed"],
        chains.sgd_minibatches,
        lambda x, y: sgd_climb(y, 0.5, x, 0.01),
        EXPONENT,
        RATIO,
        "B ΔL = 0.01, half of the exponent on either side",
    ),
    _exact(
        "adam-escape",
        ["adam.escape", "adam.escape-attributed"],
        chains.adam_minibatches,
        lambda x, y: adam_climb(1.0, 0.5, x, y, 0.5),
        spaced(EXPONENT.name, 4, 13, 5),
        FORGOTTEN,
        "Ha = Hb, η√(BH) a sixteenth of 1 - β₂",
        power=0.5,
        follows=True,
    ),
    _exact(
        "adam-escape-frozen",
        ["adam.escape-frozen"],
        chains.adam_minibatches,
        lambda x, y: frozen_climb(1.5, 0.5, x, y, 0.02),
        spaced(EXPONENT.name, 4, 13, 5),
        spaced("(1 - β₂) over the rate of relaxation", 0.001, 1, 6),
        "Ha / Hb = 1.5",
        power=1.0,
        follows=True,
    ),
    _exact(
        "momentum-escape",
        ["momentum.escape"],
        inertia.white_escapes,
        _slowed,
        SHORT,
        FRICTION,
        "EMA momentum in white noise, Ha = Hb, η = 0.004",
        optimizer="momentum-ema",
    ),
    Map(
        Study("map-momentum-slowing", inertia.slowing, {"points": grid(_slowed, SHORT, FRICTION)}),
        ("momentum.only-rescales", "adai.escape-inertial"),
        "numerics",
        "ratio",
        SHORT,
        FRICTION,
        "EMA momentum over SGD in white noise, Ha = Hb, η = 0.004",
    ),
    _exact(
        "power-law",
        ["sgd.power-law"],
        chains.loss_noise,
        lambda x, y: loss_climb(1.0, y, x),
        spaced(EXPONENT.name, 4, 13, 5),
        POWER,
        "Ha = Hb",
    ),
)

SADDLES = Map(
    Study(
        "map-momentum-saddle",
        saddle.iterated,
        {
            "optimizer": "momentum-ema",
            "points": [{"eta": STEP, "h": -1.0, "C": 1.0, "beta": b, "v0sq": (1 - b) / (1 + b)} for b in BETA.values],
            "times": [round(x / STEP) for x in TIME.values],
        },
    ),
    ("momentum.saddle-msd-continuous", "momentum.saddle-msd-drift"),
    "numerics",
    "msd",
    TIME,
    BETA,
    f"EMA momentum whose buffer is that of the noise, η|h| = {STEP}",
    _particle,
)

BATCHES = Axis("B", (4.0, 16.0, 64.0))
STEEP = spaced("η λ₁", 0.01, 0.64, 5)


def _trained(optimizer: str, claims: Sequence[str], across: Axis = STEEP, rate: float = 1.0, **settings: float) -> Map:
    """The variance along the top direction of a real minimum; the minimum is another at every point.

    Args:
        optimizer: Row of `OPTIMIZERS`.
        claims: Of the map.
        across: Steepness.
        rate: eta in units of the rate that the axis counts in.
        **settings: Of the optimizer.
    """
    config = {
        "data": "wine",
        "model": "softmax-regression",
        "l2": 0.03,
        "optimizer": optimizer,
        "points": grid(lambda x, y: {"B": int(y), "steepness": rate * x, **settings}, across, BATCHES),
        "directions": 1,
        "chains": 600,
        "relaxations": 50.0,
    }
    study = Study(f"map-trained-{optimizer}", resting.resting, config, data="wine")
    about = ", ".join(f"{k} = {v:g}" for k, v in settings.items())
    fixed = "softmax regression on wine, λ₁ the largest curvature" + (f", {about}" if about else "")
    return Map(study, tuple(claims), "real", "covariance", across, BATCHES, fixed)


MEMORY = 0.9
OF_BUFFERS = Axis("η λ₁ / (1 - β)", STEEP.values)
TRAINED = (
    _trained("sgd", ["sgd.stationary-covariance"]),
    _trained("momentum-torch", ["momentum.stationary-covariance-torch"], OF_BUFFERS, 1 - MEMORY, beta=MEMORY),
    _trained("adam", ["adam.stationary-covariance"], beta=0.9, beta2=0.999),
    _trained("adai", ["adai.stationary-covariance"], beta0=0.1, beta2=0.99, eps=1e-3),
)

GROWTH = spaced(TIME.name, 0.05, 2.0, 5)
STEEPER = spaced(STEEP.name, 0.04, 0.8, 4)


def _left(optimizer: str, claims: Sequence[str], quantity: str, **settings: Any) -> Map:
    """Spread along the one negative direction of a kept saddle of a network."""
    starts = [{"optimizer": optimizer, **settings, "steepness": x, "B": 32} for x in STEEPER.values]
    points = [{**start, "growths": list(GROWTH.values)} for start in starts]
    config = {"saddle": "cardiotocography-1", "directions": 1, "points": points, "chains": 4000}
    study = Study(f"map-left-{optimizer}", saddles.spreads, config, data="cardiotocography")
    about = ", ".join(f"{k} = {v:g}" for k, v in settings.items() if k != "start")
    fixed = "a saddle of a tanh network on heart rates, λ₁ its largest curvature, B = 32" + (about and f", {about}")
    return Map(study, tuple(claims), "real", quantity, GROWTH, STEEPER, fixed)


LEFT = (
    _left("sgd", ["sgd.saddle-variance"], "variance"),
    _left("momentum-ema", ["momentum.saddle-msd"], "msd", beta=0.9, start="thermal"),
)

ELSEWHERE = (maps_leaving, maps_resting, maps_factors, maps_sampled)
MAPS = (*ESCAPES, SADDLES, *TRAINED, *LEFT, *(row for module in ELSEWHERE for row in module.MAPS))

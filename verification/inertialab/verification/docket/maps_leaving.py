"""Regime maps by exact numerics: leaving a minimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inertialab.verification.docket.beyond import ELLIPSOID, pair
from inertialab.verification.docket.escape import WELL
from inertialab.verification.docket.grids import Axis, Map, likewise, over, spaced
from inertialab.verification.studies.exact import any_law, chains, ellipses, inertia, selection, steps
from inertialab.verification.studies.flow import jumps, kramers
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.wells import curvatures, metastable

EXPONENT = spaced("exponent of the escape time", 3, 13, 4)
OF_NOISE = "exponent in Gaussian noise"
HEIGHT = 1.2
"""Of the barrier of a symmetric double well."""


def _slow(exponent: float, friction: float) -> dict[str, float]:
    """EMA momentum in minibatch noise over a saddle of the minimum's curvature."""
    eta = 0.004
    bend = curvatures(metastable(1.0, 1.0))["Ha"]
    return {"ratio": 1.0, "s": 0.5, "eta": eta, "beta": 1 - friction, "B": exponent * eta * bend / 2}


def _pair(exponent: float, ratio: float) -> dict[str, float]:
    """Two minima of unlike curvature, width and noise; the noise is in proportion to the curvature."""
    bends = 7.5 * ratio**0.5, 7.5 / ratio**0.5
    widths = {name: (7.5 / bend) ** 0.25 for name, bend in zip(("w1", "w2"), bends, strict=True)}
    shape = {"H1": bends[0], "H2": bends[1], "Hb": 5.5, "s": 0.5, "eta": 0.003, **widths}
    return pair("curvature", exponent, 1.0, **shape)


def _ellipse(level: float, step: float) -> dict[str, Any]:
    """Noise and Hessian of the same directions and unlike eigenvalues."""
    return {"eta": step, "H": [[1.0, 0.0], [0.0, 0.6]], "C": [[1.0, 0.0], [0.0, 0.5]], "level": level}


def _orbit(loss: float, exponent: float) -> dict[str, float]:
    """Friction from what an orbit at the height of the barrier loses, over the temperature.

    The double well is height·(x² - 1)² and the inertia 2, as in the study; weak friction needs many modes.
    """
    temperature = HEIGHT / exponent
    action = 2 * (2 * HEIGHT) ** 0.5 * 2**1.5 / 3
    gamma = loss * temperature / (2**0.5 * action)
    return {"gamma": gamma, "temperature": temperature, "modes": 28 + round(50 / gamma**0.5)}


def _jump(rare: float, alpha: float) -> dict[str, float]:
    """A scale of noise by the jumps out in the time in which a parabola of curvature one relaxes."""
    return {"alpha": alpha, "eps": rare ** (1 / alpha), "a": 1.0, "b": 1.0}


def _any(law: str, exponent: float, step: float) -> dict[str, Any]:
    """Noise of a law by its exponent and the learning rate times the curvature of the minimum."""
    eta = step / curvatures(metastable(1.0, 1.0))["Ha"]
    return {"ratio": 1.0, "eta": eta, "C": 2 / (eta * exponent), "law": law}


def _valley(stiff: float, along: float) -> Mapping[str, float]:
    return {"ratio": 1.0, "stiff": stiff, "growth": 0.8, "D": 0.08, "eta": 0.002, "B": 0.0125 * along}


def _steps() -> Map:
    """The chain over its diffusion, by the rate and the temperature, with noise that grows away from the saddle."""
    bend = 8.0
    rates, exponents = spaced("η Ha", 0.02, 0.8, 5), spaced("ΔL / D at the saddle", 3, 12, 4)
    fields = [[1 / e, 0.0, 0.5 / e] for e in exponents.values]
    config = {"rates": [x / bend for x in rates.values], "well": WELL, "fields": fields}
    study = Study("map-finite-step", steps.chains, config)
    fixed = "a double well whose noise is half as large again at the minimum as at the saddle"
    return Map(study, ("sgd.escape-finite-step",), "numerics", "ratio", rates, exponents, fixed)


OCCUPATIONS = over(
    "minima",
    ["minima.occupation", "minima.selection"],
    "numerics",
    selection.occupations,
    "occupation",
    _pair,
    spaced("mean exponent of both escape times", 2, 14, 5),
    spaced("H₁ / H₂", 0.5, 2, 5),
    "C in proportion to H, η = 0.003",
)
ELLIPSES = over(
    "ellipses",
    ["sgd.quasi-potential-plane", ELLIPSOID],
    "numerics",
    ellipses.exits,
    "time",
    _ellipse,
    Axis("level E", (2.0, 3.0, 4.5, 6.0, 8.0)),
    spaced("η D₊", 0.03, 0.6, 6),
    "in the plane, eigenvalues 1 and 0.6 of the Hessian",
)
VALLEYS = over(
    "valleys",
    ["sgd.entropic-riccati"],
    "numerics",
    chains.valleys,
    "factor",
    _valley,
    spaced("curvature across the path", 0.5, 16, 6),
    spaced("D / c across the path", 1.5, 12, 4),
    "the curvature across grows by four fifths on the way",
)
MAPS = (
    over(
        "momentum-minibatches",
        ["momentum.escape-attributed"],
        "numerics",
        inertia.minibatch_escapes,
        "time",
        _slow,
        EXPONENT,
        spaced("1 - β", 0.04, 0.9, 4),
        "EMA momentum, Ha = Hb, η = 0.004",
        optimizer="momentum-ema",
    ),
    over(
        "turnover",
        ["momentum.turnover"],
        "numerics",
        kramers.turnovers,
        "time",
        _orbit,
        spaced("energy that an orbit loses, over the temperature", 0.8, 50, 5),
        spaced("ΔL over the temperature", 3, 24, 4),
        "a symmetric double well in white noise",
        temperature=HEIGHT,
        height=HEIGHT,
    ),
    OCCUPATIONS,
    ELLIPSES,
    over(
        "large-jumps",
        ["levy.exit"],
        "numerics",
        jumps.jumps,
        "time",
        _jump,
        spaced("(ε / a)^α over η h", 0.001, 0.3, 6),
        Axis("α", (0.6, 1.0, 1.4, 1.7, 1.9, 1.97)),
        "a parabola that is left at equal distances on either side",
        steepness=[1.0],
    ),
    over(
        "any-law",
        ["sgd.quasi-potential"],
        "numerics",
        any_law.exponents,
        "exponent",
        lambda x, y: _any("skewed", x, y),
        spaced(OF_NOISE, 3, 8, 5),
        spaced("η Ha", 0.02, 0.8, 5),
        "noise of a skewed law, Ha = Hb",
    ),
    over(
        "skewed",
        ["sgd.escape-skewed"],
        "numerics",
        any_law.changes,
        "change",
        lambda x, y: _any("skewed", x, y),
        spaced(OF_NOISE, 4, 14, 5),
        spaced("η Ha", 0.0005, 0.5, 5),
        "noise of a skewed law, Ha = Hb",
    ),
    VALLEYS,
    likewise(VALLEYS, "over", "sgd.entropic-factor"),
    _steps(),
)

"""Points inside the regime of a claim, drawn from its own symbols and conditions."""

from functools import cache

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from inertialab.theory.notation import quantity

DRAWS = 200_000
SLOW = {"eta": (-5, -2), "B": (-5, -1), "Ha": (0, 1), "Hb": (0, 1), "dL": (-0.5, 0.5)}
LONG_AVERAGE = {"beta": (-4, -2), "T": (1.78, 2.3)}
SLOW_MOMENT = {"beta2": (-3, -1.75)}
NARROW = {
    "sgd.escape": SLOW,
    "sgd.escape-attributed": SLOW,
    "adai.escape": SLOW,
    "momentum.escape-attributed": {
        "eta": (-1, 0),
        "B": (-1, 0),
        "gamma": (-0.5, 0.5),
        "M": (-0.5, 0.5),
        "dL": (-0.5, 0.5),
    },
    "adam.escape": {**SLOW, "beta2": (-4, -2), "beta": (-2, 0), "Ha": (0.4, 0.6), "Hb": (0.4, 0.6)},
    **{key: {"rho": (0.35, 1.0)} for key in ("radam.mean-factor", "radam.mean-factor-bound")},
    **{key: {"rho": (0.65, 1.0)} for key in ("radam.variance", "radam.variance-first-order")},
    **dict.fromkeys(("radam.average-variance", "radam.rectified-variance", "radam.rectification"), SLOW_MOMENT),
    "radam.warmup": {"beta2": (-4, -3), "T": (2.0, 2.3)},
    "radam.mean-update": {"beta2": (-4, -1.75)},
    "adashift.drift": {"beta2": (-4, -1.5)},
    "adashift.cycle": {"eta": (-0.05, 0.05), "h": (-0.05, 0.05), "delta": (-0.52, -0.38)},
    "adashift.net-factor-adam": {"rare": (0.31, 1.2), "beta2": (-4, -2)},
    "adashift.net-factor-order": {"rare": (0, 1.2)},
    "adashift.critical": {"mu": (-2.1, -1.7), "beta2": (-3.2, -2.6), "beta": (-1, 0)},
    **dict.fromkeys(("cprop.noise-floor", "cprop.noise-floor-square", "cprop.snr"), LONG_AVERAGE),
    "cprop.fast-temperature": {"eta": (-1.55, -1.35), "h": (-0.05, 0.05), "beta": (-4.5, -3.8), "c": (-0.1, 0.15)},
    "sgd.quasi-potential-plane": {"level": (0.8, 1.3), "eta": (-3, -1)},
    "sgd.quasi-potential-ellipsoid": {"level": (0.8, 1.3), "eta": (-3, -1)},
    "adam.escape-frozen": {**SLOW, "beta2": (-8, -5), "beta": (-1, 0)},
}
"""Powers of ten between which numbers are drawn where a regime is narrow; for fractions those of what is left to 1."""


@cache
def inside(subject, count=2000):
    """Points, as dicts of the symbols of formula, regime and numbers among the arguments, inside the regime."""
    arguments = {s for s in subject.arguments if s.is_real}  # matrices have no such assumption
    conditions = (c.free_symbols for c in subject.regime.conditions)
    symbols = sorted(subject.formula.free_symbols.union(arguments, *conditions), key=str)
    rng = np.random.default_rng([*subject.id.encode()])
    ranges = NARROW.get(subject.id, {})
    drawn = {s: _between(s, rng, ranges[str(s)]) if str(s) in ranges else _drawn(s, rng) for s in symbols}
    holds = np.ones(DRAWS, bool)
    with np.errstate(all="ignore"):
        for condition in subject.regime.conditions:
            its = sorted(condition.free_symbols, key=str)
            holds &= sp.lambdify(its, condition, "numpy")(*(drawn[s] for s in its))
    chosen = np.flatnonzero(holds)[:count]
    assert len(chosen) >= 20, f"{len(chosen)} of {DRAWS} points lie in the regime of {subject.id}"
    return [{str(s): float(drawn[s][i]) for s in symbols} for i in chosen]


def regime(subject):
    """Strategy of points inside the regime of a claim."""
    return st.sampled_from(inside(subject))


def _between(symbol, rng, powers):
    values = 10 ** rng.uniform(*powers, DRAWS)
    if symbol.is_integer:
        return np.ceil(values)
    return 1 - values if str(symbol) in ("beta", "beta2") else values


def _drawn(symbol, rng):
    if symbol.is_integer:
        return rng.integers(2, 60, DRAWS).astype(float)
    if str(symbol) == "K":  # a kurtosis
        return rng.uniform(1.0, 12.0, DRAWS)
    if symbol.is_positive or symbol.is_nonnegative:
        # Numbers between 0 and 1 have no unit; the rest spreads over decades.
        fraction = quantity(symbol).dimension == (0, 0)
        return rng.uniform(0.02, 0.98, DRAWS) if fraction else 10 ** rng.uniform(-2, 1, DRAWS)
    return rng.uniform(-1, 1, DRAWS)

"""Every limit that a claim has, over its own regime: those it states, and here those that need a function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regimes import regime

from inertialab.theory import CLAIMS, claim

TINY, HUGE = 1e-6, 1e12


def value(id, point):
    subject = claim(id)
    return subject.evaluate(**{str(s): point[str(s)] for s in subject.arguments})


def settled(point, memory=1.0):
    """A number of steps after which nothing of the start is left, at a stable step."""
    h = abs(point["h"]) + 0.05
    eta = min(point["eta"], 1 / h)
    return {"h": h, "eta": eta, "T": float(np.ceil(60 / min(eta * h, memory)))}


def small_steps(point):
    return {"eta": TINY * point["eta"]}


def settled_momentum(point):
    return settled(point, 1 - point["beta"])


def settled_adai(point):
    return settled(point, point["kappa"])


def settled_particle(point):
    return {"h": 1.0, "M": 1.0, "t": 200 * max(1 / point["gamma"], point["gamma"])}


def slow_moment(point):
    return {"eta": 1e-9 * point["eta"] / point["h"], "beta2": 1 - 1e-9}


def low_barrier(point):
    """Small steps at the same exponent."""
    return {"eta": TINY * point["eta"], "B": TINY * point["B"]}


def strong_friction(point):
    gamma = 1e4 * np.sqrt(point["Hb"] / point["M"])
    return {"gamma": gamma, "D": gamma * point["M"] * point["dL"] / 13}


def lossy_orbits(point):
    return {"action": 1e30, "action_beyond": 1e30, "D": point["gamma"] * point["M"] * point["dL"] / 20}


def ou(point):
    return value("sgd.stationary-variance-ou", point)


def torch_ou(point):
    return ou(point) / (1 - point["beta"])


def step_of_sgd(point):
    return 2 * point["eta"] * point["h"] * value("sgd.stationary-variance", point)


def frozen(point):
    return value("momentum.stationary-variance", {**point, "beta": 1 - point["kappa"]})


def kramers(point):
    rest = {**point, "D": point["D"] / (point["gamma"] * point["M"])}
    return point["gamma"] * point["M"] * value("langevin.eyring-kramers", rest)


def proportional_spread(point):
    """At 45° every direction spreads in proportion to its curvature, in units of the mean of both."""
    return point["eta"] ** 2 * HUGE * 2 * point["ratio"] / (1 + point["ratio"])


def published_drift(point):
    D, gamma, M = (point[k] for k in ("D", "gamma", "M"))
    return D / (gamma * M) + D / (gamma**3 * M**2)


def late_variance(point):
    return value("radam.variance", {"rho": (1 + point["beta2"]) / (1 - point["beta2"])})


NO_MEMORY = [
    ("momentum.stationary-velocity", {"beta": 0.0}, step_of_sgd),
    ("momentum.growth-slower", {"beta": 0.0}, lambda p: 1 - p["eta"] * p["h"]),
    ("momentum.conventions", {"beta": 0.0}, lambda p: p["eta"]),
    ("momentum.bias-correction", {"beta": 0.0}, lambda p: p["T"]),
]
NO_NOISE = [("noise.sampling", lambda p: {"B": p["n_samples"]}, 0.0)]
SMALL_STEPS = [
    ("sgd.stationary-variance", small_steps, ou),
    ("sgd.modified-equation-2", small_steps, ou),
    ("momentum.stationary-variance", small_steps, ou),
    ("momentum.stationary-variance-torch", small_steps, torch_ou),
    ("momentum.modified-equation", small_steps, torch_ou),
    ("adai.stationary-variance", small_steps, ou),
    ("sgd.saddle-variance", lambda p: {"eta": TINY * p["eta"], "T": 1e5}, "sgd.saddle-variance-ou"),
    ("adai.escape", low_barrier, "sgd.escape"),
    ("momentum.growth-slower", small_steps, 1.0),
    ("adai.saddle-speed", lambda p: {"T": 1.0}, lambda p: p["kappa"] / (2 - p["kappa"])),
    ("adam.stationary-variance-kurtosis", slow_moment, lambda p: p["eta"] * p["C"] ** 0.5 / (2 * p["h"])),
    ("adai.stationary-variance-kurtosis", slow_moment, ou),
]
LONG_TIMES = [
    ("sgd.saddle-variance", settled, "sgd.stationary-variance"),
    ("sgd.saddle-variance-ou", settled, ou),
    ("momentum.saddle-msd", settled_momentum, "momentum.stationary-variance"),
    ("momentum.ballistic", settled_momentum, 0.0),
    ("adai.saddle-msd", settled_adai, frozen),
    ("momentum.saddle-msd-continuous", settled_particle, lambda p: p["D"] / p["gamma"]),
    ("momentum.saddle-msd-drift", settled_particle, published_drift),
    ("adam.saddle-msd", {"T": HUGE}, lambda p: p["eta"] ** 2 * HUGE),
    ("adam.rotation", {"T": HUGE, "turn": 0.0}, lambda p: p["eta"] ** 2 * HUGE),
    ("adam.rotation", {"T": HUGE, "turn": np.pi / 4}, proportional_spread),
    ("adai.saddle-speed", {"T": HUGE}, 1.0),
]
GRADIENTS = [
    ("radam.average-variance", {"T": HUGE}, late_variance),
    ("radam.rectified-variance", {"T": HUGE}, 1.0),
    ("radam.satterthwaite", {"T": HUGE, "beta2": 0.9}, 19.0),
    ("radam.centre-of-mass", {"T": 1e6, "beta2": 0.9}, 19.0),
    ("radam.mean-update", {"T": 1e4, "beta": 0.0}, (2 / np.pi) ** 0.5),
    ("adashift.cycle", {"delta": 0.0}, lambda p: p["eta"] / 2),
    ("adashift.net-update", {"rare": 1.0}, lambda p: 2 - p["d"]),
    ("radam.warmup", {"T": 200.0, "beta2": 0.99}, 1.0),
]
FRICTION = [
    ("momentum.escape", strong_friction, kramers),
    ("momentum.turnover", strong_friction, kramers),
    ("momentum.turnover", lossy_orbits, "momentum.escape"),
]
TABLE = {
    "no memory": NO_MEMORY,
    "no noise": NO_NOISE,
    "small steps": SMALL_STEPS,
    "long times": LONG_TIMES,
    "many gradients, or equal ones": GRADIENTS,
    "friction": FRICTION,
    "its own": [(c.id, *limit) for c in CLAIMS for limit in c.limits],
}
ROWS = [pytest.param(*row, id=f"{row[0]}, {limit}") for limit, rows in TABLE.items() for row in rows]
ELSEWHERE = {
    "sgd.stationary-covariance": "matrices: test_limits.py and test_predictions.py",
    "sgd.stationary-covariance-mandt": "matrices: small steps are a step of its derivation",
    "momentum.stationary-covariance-torch": "matrices: test_limits.py",
    "sgd.saddle-covariance": "matrices: test_limits.py",
    "adam.saddle-covariance": "matrices: test_limits.py",
    "adai.saddle-covariance": "matrices: test_limits.py",
    "sgd.symmetric-saddle": "matrices: test_limits.py",
    "adam.stationary-covariance": "matrices: test_limits.py",
    "adamw.stationary-covariance": "matrices: test_limits.py",
    "adai.stationary-covariance": "matrices: test_limits.py",
    "label-noise.flatness-network": "matrices: test_limits.py, one direction",
    "label-noise.flatness-sampled": "matrices: test_limits.py, short steps and one sample",
    "sgd.stationary-covariance-cloud": "matrices: that of constant Hessian and noise is a step of its derivation",
    "sgd.probability-current": "matrices: no current where H and C commute is a step of its derivation",
    "sgd.quasi-potential-plane": "matrices: tests/verification/test_ellipses.py, small steps on a circle",
    "sgd.quasi-potential-ellipsoid": "matrices: tests/verification/test_ellipses.py, small steps on a sphere",
    "sgd.tail-index": "functions: tests/verification/test_tails.py, the edge of the variance",
    "langevin.mean-first-passage": "functions: test_escape.py",
    "sgd.quasi-potential": "functions: test_escape.py, Gaussian noise",
    "sgd.escape-minibatch": "samples: test_escape.py, small slopes",
    "sgd.escape-skewed": "functions: test_escape.py, no cumulants",
    "sgd.entropic-riccati": "functions: test_escape.py, stiff directions",
    "adai.escape-inertial": "functions: test_escape.py, no inertia",
    "iwal.noise": "samples: test_limits.py",
    "langevin.stationary-density": "functions: test_escape.py",
    "sgd.escape-finite-step": "functions: test_escape.py, and its order among the checks of exact numerics",
}


@pytest.mark.parametrize(("id", "change", "limit"), ROWS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_claim_becomes_what_it_must_in_its_limit(id, change, limit, data):
    point = data.draw(regime(claim(id)))
    there = {**point, **(change(point) if callable(change) else change)}
    expected = value(limit, there) if isinstance(limit, str) else limit(there) if callable(limit) else limit
    found, before = value(id, there), value(id, point)
    if expected == np.inf:
        assert found == np.inf or found > 1e4 * before
    else:
        assert found == pytest.approx(expected, rel=1e-4, abs=0 if expected else 1e-5 * abs(before))


def test_every_claim_with_arguments_is_tested_in_a_limit():
    tested = {row[0] for rows in TABLE.values() for row in rows}
    assert {c.id for c in CLAIMS if c.arguments} - tested == set(ELSEWHERE), "give the claim `limits`"

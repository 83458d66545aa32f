"""Numbers that claims give: what they accept, what they refuse, limits, float against fifty digits."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from inertialab.theory import OutsideRegimeError, claim
from inertialab.theory.claims.active.slacks import Tilt
from inertialab.theory.claims.escape.batches import Climb
from inertialab.theory.special import Upsilon


def test_a_scalar_gives_a_float_and_arrays_broadcast():
    predict = claim("sgd.stationary-variance").predict
    assert isinstance(predict(eta=0.1, h=1.0, C=0.5), float)
    assert predict(eta=0.1, h=1.0, C=0.5) == pytest.approx(0.1 * 0.5 / 1.9)
    assert predict(eta=np.array([0.1, 0.2]), h=1.0, C=np.ones((3, 1))).shape == (3, 2)


def test_an_unknown_claim_is_answered_with_the_nearest_names():
    with pytest.raises(ValueError, match=r"no claim 'sgd.stationary-varience'. Did you mean sgd.stationary-variance"):
        claim("sgd.stationary-varience")
    with pytest.raises(ValueError, match=r"Known claims: sgd.stationary-variance"):
        claim("zzz")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"eta": 3.0, "h": 1.0, "C": 1.0}, r"holds for eta\*h < 2, but eta = 3, h = 1 gives eta\*h = 3"),
        ({"eta": 0.1, "h": -1.0, "C": 1.0}, r"holds for h > 0, but h = -1 was given"),
        ({"eta": 0.1, "h": 1.0, "C": -1.0}, r"C \(variance .*\) must be >= 0, got -1"),
        ({"eta": 0.1, "h": float("nan"), "C": 1.0}, r"h \(.*\) must be a finite real number, got nan"),
        ({"eta": 0.1, "h": 1.0, "C": "much"}, r"C \(.*\) must be a real number or an array, got 'much'"),
        ({"eta": None, "h": 1.0, "C": 1.0}, r"eta \(.*\) must be a real number or an array, got None"),
        ({"eta": "0.1", "h": 1.0, "C": 1.0}, r"eta \(.*\) must be a real number or an array, got '0.1'"),
        ({"eta": True, "h": 1.0, "C": 1.0}, r"eta \(.*\) must be a real number or an array, got True"),
        ({"eta": [0.1, None], "h": 1.0, "C": 1.0}, r"eta \(.*\) must be a real number or an array, got \[0.1, None"),
        ({"eta": 0.1, "h": 1.0}, r"takes eta, h, C; got eta, h"),
        ({"eta": 0.0, "h": 1.0, "C": 1.0}, r"eta \(learning rate\) must be > 0, got 0"),
        ({"eta": 0.1, "h": np.array([1.0, 30.0]), "C": 1.0}, r"eta = 0.1, h = 30 gives eta\*h = 3"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        claim("sgd.stationary-variance").predict(**values)


def test_the_number_of_steps_is_whole():
    with pytest.raises(ValueError, match=r"T \(number of steps\) must be a whole number, got 1.5"):
        claim("sgd.saddle-variance").predict(eta=0.1, h=-1.0, C=1.0, T=1.5)


@pytest.mark.parametrize(
    ("H", "C", "sentence"),
    [
        ([[1.0, 0.0]], np.eye(2), "H must be a square matrix"),
        ([[1.0, 0.5], [0.0, 1.0]], np.eye(2), "H must be symmetric"),
        (np.eye(3), np.eye(2), "one size, got 3 and 2"),
        (np.eye(2), np.diag([1.0, -1.0]), "no negative variance, its lowest eigenvalue is -1"),
        (np.diag([1.0, -0.3]), np.eye(2), r"holds for h_i > 0, but h_i = -0.3"),
        (np.diag([1.0, 30.0]), np.eye(2), r"eta\*h_i = 3"),
        ([[1.0, np.nan], [np.nan, 1.0]], np.eye(2), "must be a finite real number"),
    ],
)
def test_wrong_matrices_are_refused_with_a_sentence(H, C, sentence):
    with pytest.raises(ValueError, match=sentence):
        claim("sgd.stationary-covariance").predict(eta=0.1, H=H, C=C)


def test_outside_the_regime_evaluate_still_answers():
    ou = claim("sgd.stationary-variance-ou")
    with pytest.raises(OutsideRegimeError, match=r"use sgd.stationary-variance"):
        ou.predict(eta=1.0, h=1.0, C=1.0)
    assert ou.evaluate(eta=1.0, h=1.0, C=1.0) == 0.5


@given(eta=st.floats(0.01, 1.9), angle=st.floats(0, 3), h=st.tuples(st.floats(0.05, 1), st.floats(0.05, 1)))
def test_the_covariance_solves_the_lyapunov_equation_for_matrices_that_do_not_commute(eta, angle, h):
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    H, C = R @ np.diag(h) @ R.T, np.array([[1.0, 0.3], [0.3, 0.5]])
    S = claim("sgd.stationary-covariance").predict(eta=eta, H=H, C=C)
    A = np.eye(2) - eta * H
    assert np.allclose(A @ S @ A.T + eta**2 * C, S, rtol=1e-9)


def test_the_covariance_broadcasts_over_leading_dimensions():
    H, C = np.stack([np.eye(2), 2 * np.eye(2)]), np.eye(2)
    S = claim("sgd.stationary-covariance").predict(eta=0.1, H=H, C=C)
    assert S[1] == pytest.approx(claim("sgd.stationary-covariance").predict(eta=0.1, H=2 * np.eye(2), C=C))


@given(eta=st.floats(0.01, 1.9), C=st.floats(0.1, 10))
def test_without_momentum_both_conventions_give_the_law_of_sgd(eta, C):
    sgd = claim("sgd.stationary-variance").predict(eta=eta, h=1.0, C=C)
    for id in ("momentum.stationary-variance", "momentum.stationary-variance-torch"):
        assert claim(id).predict(eta=eta, h=1.0, C=C, beta=0.0) == pytest.approx(sgd, rel=1e-12)


@given(eta=st.floats(0.01, 1.0), h=st.floats(-0.3, 1.9), T=st.integers(0, 300))
def test_without_momentum_the_spread_is_that_of_sgd(eta, h, T):
    sgd = claim("sgd.saddle-variance").predict(eta=eta, h=h, C=0.7, T=T)
    momentum = claim("momentum.saddle-msd").predict(eta=eta, h=h, C=0.7, beta=0.0, T=T, v0sq=0.0)
    assert momentum == pytest.approx(sgd, rel=1e-9)


def test_after_long_times_the_spread_is_the_stationary_variance():
    point = {"eta": 0.3, "h": 1.0, "C": 2.0}
    assert claim("sgd.saddle-variance").predict(**point, T=500) == pytest.approx(
        claim("sgd.stationary-variance").predict(**point), rel=1e-12
    )
    assert claim("momentum.saddle-msd").predict(**point, beta=0.9, T=2000, v0sq=3.0) == pytest.approx(
        claim("momentum.stationary-variance").predict(**point, beta=0.9), rel=1e-12
    )


def test_without_curvature_the_spread_is_free():
    assert claim("sgd.saddle-variance").predict(eta=0.1, h=0.0, C=2.0, T=7) == pytest.approx(0.01 * 2 * 7)
    free = sum((1 - 0.9**j) ** 2 for j in range(1, 11))
    assert claim("momentum.saddle-msd").predict(eta=1.0, h=0.0, C=1.0, beta=0.9, T=10, v0sq=0.0) == pytest.approx(free)


def test_a_known_initial_buffer_moves_without_noise():
    point = {"eta": 0.1, "h": -2.0, "beta": 0.9}
    theta_now, m = 0.0, 0.3
    for _ in range(12):
        m = point["beta"] * m + (1 - point["beta"]) * point["h"] * theta_now
        theta_now -= point["eta"] * m
    assert claim("momentum.saddle-msd").predict(**point, C=0.0, T=12, v0sq=0.09) == pytest.approx(theta_now**2)


CRITICAL = (1 - 0.9**0.5) ** 2 / (1 - 0.9)  # eta*h at which the roots coincide for beta = 0.9

DAMPED = {"D": 0.3, "gamma": 1.5, "M": 0.5, "v0sq": 0.4}  # critical at h = 0.28125

WEAK = {"M": 2.0, "Ha": 9.6, "Hb": 4.8, "dL": 1.2, "action": 2.9, "action_beyond": 2.9}

NUMERICS = [
    ("sgd.saddle-variance", {"eta": 0.1, "h": -1e-9, "C": 2.0, "T": 50}),
    ("sgd.saddle-variance", {"eta": 0.1, "h": 19.9999999, "C": 2.0, "T": 50}),
    ("sgd.saddle-variance", {"eta": 0.5, "h": 2.0, "C": 2.0, "T": 3}),
    ("sgd.saddle-variance", {"eta": 0.5, "h": -0.2, "C": 2.0, "T": 3000}),
    ("sgd.saddle-variance", {"eta": 0.5, "h": 3.0, "C": 2.0, "T": 0}),
    ("sgd.saddle-variance-ou", {"eta": 0.1, "h": 1e-10, "C": 2.0, "T": 50}),
    ("sgd.saddle-variance-ou", {"eta": 0.1, "h": -0.3, "C": 2.0, "T": 20}),
    ("momentum.saddle-msd", {"eta": 1.0, "h": CRITICAL * (1 + 1e-9), "C": 1.0, "beta": 0.9, "T": 40, "v0sq": 0.5}),
    ("momentum.saddle-msd", {"eta": 1.0, "h": 3.0, "C": 1.0, "beta": 0.9, "T": 40, "v0sq": 0.5}),
    ("momentum.saddle-msd", {"eta": 1.0, "h": -0.3, "C": 1.0, "beta": 0.99, "T": 777, "v0sq": 0.5}),
    ("momentum.saddle-msd", {"eta": 1.0, "h": 1e-9, "C": 1.0, "beta": 0.9, "T": 13, "v0sq": 0.0}),
    ("momentum.stationary-variance", {"eta": 2.0, "h": 0.9999999999, "C": 1.0, "beta": 0.0}),
    ("momentum.stationary-velocity", {"eta": 0.1, "h": 379.99, "C": 1.0, "beta": 0.9}),
    ("sgd.shuffled-variance", {"eta": 0.1, "h": 1e-7, "C": 2.0, "n_batches": 20}),
    ("sgd.shuffled-variance", {"eta": 0.1, "h": 19.999, "C": 2.0, "n_batches": 7}),
    ("sgd.shuffled-variance", {"eta": 0.5, "h": 2.0, "C": 2.0, "n_batches": 2}),
    ("momentum.saddle-msd-continuous", {**DAMPED, "h": 0.28125 * (1 + 1e-10), "t": 4.0}),
    ("momentum.saddle-msd-continuous", {**DAMPED, "h": 1e-10, "t": 40.0}),
    ("momentum.saddle-msd-continuous", {**DAMPED, "h": 300.0, "t": 40.0}),
    ("momentum.saddle-msd-continuous", {**DAMPED, "h": -3.0, "t": 20.0}),
    ("momentum.saddle-msd-continuous", {**DAMPED, "h": -3.0, "t": 1e-6}),
    ("momentum.saddle-msd-drift", {"D": 0.3, "gamma": 1.5, "M": 0.5, "h": 1e-11, "t": 3.0}),
    ("momentum.saddle-msd-drift", {"D": 0.3, "gamma": 1.5, "M": 0.5, "h": -0.2, "t": 1e-4}),
    ("momentum.growth-slower", {"eta": 0.1, "h": -1e-7, "beta": 0.9}),
    ("momentum.ballistic", {"eta": 1.0, "h": CRITICAL * (1 + 1e-9), "beta": 0.9, "T": 40, "m0": -0.5}),
    ("momentum.ballistic", {"eta": 1.0, "h": 1e-9, "beta": 0.9, "T": 400, "m0": 0.5}),
    ("momentum.bias-correction", {"beta": 0.999999999, "T": 9}),
    ("momentum.bias-correction", {"beta": 0.9, "T": 12}),
    ("momentum.escape", {"D": 0.1, "gamma": 1e6, "M": 0.5, "Ha": 8.0, "Hb": 4.0, "dL": 1e-6}),
    ("momentum.turnover", WEAK | {"gamma": 0.03, "D": 0.0048}),
    ("momentum.turnover", WEAK | {"gamma": 30.0, "D": 4.8}),
    ("momentum.turnover", WEAK | {"gamma": 1e-5, "D": 1.6e-6}),
    ("momentum.turnover", WEAK | {"gamma": 0.3, "D": 0.048, "action_beyond": 1e30}),
    ("adam.batch-crossover", {"eta": 0.1, "B": 1e-9, "Ha": 8.0, "dL": 1.0}),
    ("adam.batch-crossover", {"eta": 0.1, "B": 1e9, "Ha": 8.0, "dL": 1.0}),
    ("sgd.power-law", {"eta": 0.01, "B": 8.0, "h": 1.0, "L_a": 1.0, "L_b": 2.0}),
    ("levy.exit", {"alpha": 1.999, "eps": 0.01, "a": 1.0, "b": 2.0}),
    ("levy.exit", {"alpha": 1.0, "eps": 0.01, "a": 1.0, "b": 2.0}),
    ("sgd.boundary-shift", {"eta": 0.01, "D": 0.3}),
    ("adai.momentum-bias", {"beta2": 0.999, "kappa": 1e-3, "v": 1.0, "third": -1.5}),
    ("adai.saddle-msd", {"eta": 1.0, "h": -0.3, "C": 1.0, "kappa": 0.01, "T": 777}),
    ("adai.saddle-msd", {"eta": 1.0, "h": CRITICAL * (1 + 1e-9), "C": 1.0, "kappa": 0.1, "T": 30}),
]


@pytest.mark.parametrize(("id", "point"), NUMERICS)
def test_float_numerics_agree_with_the_formula_at_fifty_digits(id, point):
    subject = claim(id)
    symbols = sorted(subject.formula.free_symbols, key=str)
    with mpmath.workdps(50):
        exactly = sp.lambdify(
            symbols, subject.formula, [{f.__name__: f.exactly for f in (Climb, Tilt, Upsilon)}, "mpmath"]
        )
        values = {"det_ratio": point.get("Hb", 0) / point.get("Ha", 1), **point}
        exact = exactly(*(values[str(s)] if s.is_integer else mpmath.mpf(values[str(s)]) for s in symbols))
        reference = float(mpmath.re(exact))
    assert subject.evaluate(**point) == pytest.approx(reference, rel=1e-10)


def test_numerics_broadcast_over_different_numbers_of_steps():
    T = np.array([0, 1, 5, 1000])
    point = {"eta": 0.5, "h": -2.0, "C": 1.0, "beta": 0.5, "v0sq": 0.1}
    together = claim("momentum.saddle-msd").predict(**point, T=T)
    alone = [claim("momentum.saddle-msd").predict(**point, T=int(n)) for n in T]
    assert together == pytest.approx(alone)

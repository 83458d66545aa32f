"""Escape laws: arguments over directions and functions, limits, units of what takes functions."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from inertialab.theory import OutsideRegimeError, claim
from inertialab.theory.special import Upsilon

WELL = [1.0, 0.0, -2.0, 0.0, 1.0]
PATH = {"eta": 1e-4, "B": 0.01, "Ha": 8.0, "Hb": 4.0, "dL": 1.0, "s": 0.4}
curvatures = st.floats(0.2, 9)


def predict(id, **values):
    return claim(id).predict(**values)


def test_curvatures_may_be_arrays_over_directions_with_the_escape_direction_first():
    one = predict("langevin.eyring-kramers", Ha=8.0, Hb=4.0, dL=1.0, D=0.08)
    same = predict("langevin.eyring-kramers", Ha=[8.0, 2.0], Hb=[4.0, 2.0], dL=1.0, D=0.08)
    wider = predict("langevin.eyring-kramers", Ha=[8.0, 2.0], Hb=[4.0, 0.5], dL=1.0, D=0.08)
    assert same == pytest.approx(one)
    assert wider == pytest.approx(one / 2)
    many = predict("langevin.eyring-kramers", Ha=np.full((3, 2), 8.0), Hb=np.full((3, 2), 4.0), dL=1.0, D=0.08)
    assert many.shape == (3,)
    with pytest.raises(ValueError, match="one curvature for each direction, got 2 and 1"):
        predict("langevin.eyring-kramers", Ha=[8.0, 2.0], Hb=4.0, dL=1.0, D=0.08)
    with pytest.raises(OutsideRegimeError, match=r"multiply by the factor of sgd.entropic-factor"):
        predict("sgd.escape", **{**PATH, "Ha": [8.0, 2.0], "Hb": [4.0, 0.5]})


@given(Ha=curvatures, Hb=curvatures, gamma=st.floats(30, 300))
def test_strong_friction_is_kramers_times_friction(Ha, Hb, gamma):
    """γ → ∞ at fixed temperature D/(γM): Langer's time over γM tends to that of Eyring and Kramers."""
    temperature, M = 0.08, 4.0
    langer = claim("momentum.escape").evaluate(D=temperature * gamma * M, gamma=gamma, M=M, Ha=Ha, Hb=Hb, dL=1.0)
    kramers = predict("langevin.eyring-kramers", Ha=Ha, Hb=Hb, dL=1.0, D=temperature)
    assert langer / (gamma * M) == pytest.approx(kramers, rel=2 * Hb / (gamma**2 * M) + 1e-12)


ORBIT = {"M": 1.0, "Ha": 8.0, "Hb": 4.0, "dL": 1.0, "action": 8 / 3}
frictions = st.floats(-6, 2).map(lambda x: 10**x)


@given(gamma=frictions, beyond=st.floats(0.1, 10))
def test_between_the_exchange_of_energy_and_langer_nothing_is_faster_than_either(gamma, beyond):
    """γ → ∞: Langer's time; γ → 0: a well loses Δ of what reaches its edge, two wells a little less."""
    point = {**ORBIT, "D": 0.08 * gamma, "gamma": gamma, "action_beyond": beyond}
    langer = claim("momentum.escape").evaluate(**{k: point[k] for k in ("D", "gamma", "M", "Ha", "Hb", "dL")})
    exchange = 2 * np.pi / np.sqrt(8.0) * 0.08 / (gamma * 8 / 3) * np.exp(1 / 0.08)
    evaluate = claim("momentum.turnover").evaluate  # the identity holds outside the regime too
    alone = evaluate(**{**point, "action_beyond": 1e300})
    both = evaluate(**point)
    assert max(langer, exchange) * (1 - 1e-12) <= alone <= both
    # What a well with loss Δ in units of kT gives back: -ln Υ ≤ (2/√π) Δ^(-½) exp(-Δ/4), summed over its three factors.
    loss = gamma * min(ORBIT["action"], beyond) / 0.08
    if loss > 20:
        assert both == pytest.approx(langer, rel=4 * loss**-0.5 * np.exp(-loss / 4) + 1e-9)
    if gamma < 1e-4:
        assert alone == pytest.approx(exchange, rel=0.07)
        assert both / alone == pytest.approx(1 + 8 / 3 / beyond, rel=0.07)


@pytest.mark.parametrize("loss", [1e-3, 0.4, 7.0])
def test_the_depopulation_factor_is_the_published_integral(loss):
    """At 30 digits; the float version and SymPy's evaluation are the same function."""
    with mpmath.workdps(30):
        quarter = mpmath.mpf(1) / 4
        depth = mpmath.quad(
            lambda mu: mpmath.log(1 - mpmath.exp(-loss * (mu**2 + quarter))) / (mu**2 + quarter),
            [0, 1, 10, 100, mpmath.inf],
        )
        published = mpmath.exp(depth / mpmath.pi)
        assert mpmath.almosteq(Upsilon.exactly(mpmath.mpf(loss)), published, rel_eps=mpmath.mpf(10) ** -25)
    assert float(Upsilon(sp.Float(loss, 30)).evalf(20)) == pytest.approx(float(published), rel=1e-13)
    assert Upsilon.in_library(np, np.array(loss)) == pytest.approx(float(published), rel=1e-13)


@given(H=curvatures, s=st.floats(0.4, 0.6), B=st.floats(0.01, 0.02))
def test_with_one_curvature_the_published_prefactor_of_sgd_is_right(H, s, B):
    eta = B / (10 * H)
    point = {"eta": eta, "B": B, "Ha": H, "Hb": H, "dL": 1.0, "s": s}
    derived = claim("sgd.escape").log_predict(**point)
    assert derived == pytest.approx(claim("sgd.escape-attributed").log_predict(**point), rel=1e-12)
    # Frozen noise of one strength is white noise.
    white = claim("langevin.eyring-kramers").log_predict(Ha=H, Hb=H, dL=1.0, D=eta * H / (2 * B))
    assert derived == pytest.approx(white, rel=1e-12)


@given(B=st.floats(1, 200))
def test_more_samples_are_less_noise(B):
    """B → ∞: no noise, no escape; the exponent grows as B for SGD and as √B, later B, for Adam."""
    b = 0.01 + B / 1e5
    twice = {**PATH, "B": 2 * b}
    ratio = predict("adam.batch-crossover", eta=0.01, B=2 * B, Ha=3.0, dL=1.0)
    slope = np.log2(ratio / predict("adam.batch-crossover", eta=0.01, B=B, Ha=3.0, dL=1.0))
    assert 0.5 < slope < 1.01
    gain = claim("sgd.escape").log_predict(**twice) - claim("sgd.escape").log_predict(**{**PATH, "B": b})
    assert gain == pytest.approx(2 * b / 1e-4 * (0.4 / 8 + 0.6 / 4), rel=1e-9)


@given(eta=st.floats(1e-4, 1.0), beta=st.floats(0, 0.99), Hb=curvatures)
def test_inertia_only_slows_adai_down(eta, beta, Hb):
    """η → 0: the prefactor of Adai is SGD's; it is never smaller."""
    point = {**PATH, "eta": eta, "Hb": Hb, "B": 100.0 * eta}
    slower = claim("adai.escape").evaluate(**point, kappa=1 - beta) / claim("sgd.escape").evaluate(**point)
    assert 1 <= slower <= 1 + eta * Hb / (1 - beta) + 1e-9


@given(height=st.floats(0.5, 3), D=st.floats(0.02, 0.2))
def test_the_passage_over_a_double_well_tends_to_kramers(height, D):
    """D → 0: exact over Kramers' time is 1 + 3D/(8ΔL) to next order."""
    well = height * Polynomial([-1, 0, 1]) ** 2
    low = D / height
    if low > 1 / 12:
        return
    exact = predict("langevin.mean-first-passage", potential=well, D=D, x0=-1.0, boundaries=[1.0, -2.5])
    law = predict("langevin.eyring-kramers", Ha=8 * height, Hb=4 * height, dL=height, D=D)
    assert exact / law - 1 == pytest.approx(3 * low / 8, abs=2 * low**2)


def test_functions_numbers_and_coefficients_are_the_same_thing():
    point = {"x0": -0.5, "boundaries": (0.8, -1.9)}
    first = predict(
        "langevin.mean-first-passage", potential=lambda x: (x**2 - 1) ** 2, D=lambda x: 0.3 + 0 * x, **point
    )
    second = predict("langevin.mean-first-passage", potential=WELL, D=0.3, **point)
    assert first == pytest.approx(second, rel=1e-9)
    mirrored = predict("langevin.mean-first-passage", potential=WELL, D=0.3, x0=0.5, boundaries=(-0.8, 1.9))
    assert mirrored == pytest.approx(second, rel=1e-9)
    many = predict("langevin.mean-first-passage", potential=WELL, D=0.3, x0=[-0.5, 0.0], boundaries=(0.8, -1.9))
    assert many.shape == (2,)
    assert many[0] == pytest.approx(second)


@given(a=st.floats(0.2, 5), c=st.floats(0.2, 5))
def test_laws_of_functions_have_the_right_units(a, c):
    """Parameters in other units, x → ax, and the loss in others, L → cL: times go as a²/c."""
    point = {"x0": -0.5, "boundaries": np.array([0.8, -1.9])}
    before = predict("langevin.mean-first-passage", potential=WELL, D=[0.3, 0.0, 0.1], **point)
    well, D = (c * np.array(p) / a ** np.arange(len(p)) for p in (WELL, [0.3, 0.0, 0.1]))
    after = predict("langevin.mean-first-passage", potential=well, D=D, x0=-0.5 * a, boundaries=a * point["boundaries"])
    assert after == pytest.approx(before * a**2 / c, rel=1e-8)
    finite = claim("sgd.escape-finite-step")
    plain = finite.predict(eta=0.01, potential=WELL, D=[0.06, 0.02])
    D = c * np.array([0.06, 0.02]) / a ** np.arange(2)
    assert finite.predict(eta=0.01 * a**2 / c, potential=well, D=D) == pytest.approx(plain, rel=1e-8)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"boundaries": [0.8, -1.9, 3.0]}, "must be the pair"),
        ({"x0": 2.0}, "x0 = 2 must lie between 0.8 and -1.9"),
        ({"D": [0.3, 1.0]}, "D must be > 0 everywhere"),
        ({"potential": "steep"}, r"potential \(loss along the path.*\) must be a real number or an array"),
    ],
)
def test_wrong_paths_are_refused_with_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        predict(
            "langevin.mean-first-passage",
            **{"potential": WELL, "D": 0.3, "x0": 0.0, "boundaries": [0.8, -1.9], **values},
        )


def test_wells_without_a_saddle_are_refused():
    with pytest.raises(ValueError, match="no minimum with a saddle"):
        predict("sgd.escape-finite-step", eta=0.1, potential=[0.0, 0.0, 1.0], D=0.1)
    with pytest.raises(ValueError, match="must be polynomials"):
        predict("sgd.escape-finite-step", eta=0.1, potential=lambda x: x, D=0.1)


def test_huge_exponents_stay_accurate_until_floats_end():
    """ΔL/D = 700 at 50 digits; beyond floats the logarithm goes on."""
    with mpmath.workdps(50):
        exact = 2 * mpmath.pi / mpmath.sqrt(32) * mpmath.exp(700)
    law = predict("langevin.eyring-kramers", Ha=8.0, Hb=4.0, dL=1.0, D=1 / 700)
    assert law == pytest.approx(float(exact), rel=1e-12)
    passage = predict("langevin.mean-first-passage", potential=WELL, D=1 / 700, x0=-1.0, boundaries=[1.0, -2.5])
    assert passage / law - 1 == pytest.approx(3 / 8 / 700, rel=0.01)
    assert predict("langevin.mean-first-passage", potential=WELL, D=1e-4, x0=-1.0, boundaries=[1.0, -2.5]) == np.inf
    assert predict("langevin.eyring-kramers", Ha=8.0, Hb=4.0, dL=1.0, D=1e-4) == np.inf
    beyond = claim("langevin.eyring-kramers").log_predict(Ha=8.0, Hb=4.0, dL=1.0, D=1e-4)
    assert beyond == pytest.approx(1e4 + float(np.log(2 * np.pi / 32**0.5)), rel=1e-14)
    with pytest.raises(ValueError, match="evaluated by its own numerics"):
        claim("momentum.saddle-msd").log_predict()


SKEWED = {"eta": 0.01, "potential": WELL, "boundaries": [-1.0, 0.0]}
VALUES = np.array([[3.0, -1 / 3], [0.1, 0.9]])  # skewed, mean 0, variance 1


def test_gaussian_noise_has_the_exponent_of_the_diffusion():
    """ΔL/D with D = ηC/2, as a function or by values and probabilities."""
    point = {**SKEWED, "cumulant": lambda p, x: 8.0 * p**2 / 2}
    assert predict("sgd.quasi-potential", **point) == pytest.approx(2 / (0.01 * 8.0), rel=1e-12)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    listed = {**SKEWED, "cumulant": [8.0**0.5 * nodes, weights / weights.sum()]}
    assert predict("sgd.quasi-potential", **listed) == pytest.approx(2 / (0.01 * 8.0), rel=1e-9)


@given(size=st.floats(200, 1e4))
def test_the_exponent_of_wide_noise_is_its_series_in_the_cumulants(size):
    """C → ∞: third and fourth cumulants are all that counts beside the variance."""
    values = VALUES[0] * size**0.5
    exact = predict("sgd.quasi-potential", **SKEWED, cumulant=[values, VALUES[1]]) - 2 / (0.01 * size)
    third, fourth = (float(values**n @ VALUES[1]) for n in (3, 4))
    series = predict("sgd.escape-skewed", eta=0.01, potential=WELL, C=size, k3=third, k4=fourth - 3 * size**2)
    assert series == pytest.approx(exact, rel=20 / size)


def test_without_cumulants_nothing_changes():
    assert predict("sgd.escape-skewed", eta=0.01, potential=WELL, C=3.0, k3=0.0, k4=0.0) == 0


PUSHES = {"gradients": [[2.0, -1.0], [1.5, -1.0]], "shares": [0.5, 0.5], "lengths": [0.4, 0.6]}


def test_two_samples_have_the_golden_ratio():
    """Gradients 2 and -1, each of half of the data: e^{-2π} + e^π = 2."""
    point = {**PUSHES, "gradients": [[2.0, -1.0]], "lengths": [1.0]}
    golden = np.log((1 + 5**0.5) / 2)
    assert predict("sgd.escape-minibatch", eta=0.1, B=3, **point) == pytest.approx(30 * golden, rel=1e-12)


@given(slope=st.floats(1e-5, 1e-3))
def test_small_slopes_have_the_exponent_of_the_diffusion(slope):
    """L'² ≪ C: 2L'/C, and 4κ₃L'²/3C³ more."""
    noise, chances = VALUES
    g = slope + noise
    found = predict("sgd.escape-minibatch", eta=1.0, B=1, gradients=[g], shares=chances, lengths=[1.0])
    third = float(noise**3 @ chances)
    assert found == pytest.approx(2 * slope, rel=1e-2)
    assert found - 2 * slope == pytest.approx(4 / 3 * third * slope**2, rel=1e-2)


def test_without_inertia_the_exponent_is_that_of_steps_of_sgd():
    """κ = 1: the exponential of both claims is the same; the prefactors are Langer's and that of steps."""
    point = {"eta": 1e-4, "potential": WELL, "D": [0.06, 0.02]}
    inertial, steps = (predict("adai.escape-inertial", **point, kappa=1.0), predict("sgd.escape-finite-step", **point))
    turn = 1e-4 * ((4 - 8) / 4 + 0.02 / 2 * float(np.diff([0.0, 0.0])[0]))
    assert np.log(inertial / steps) == pytest.approx(1e-4 * 4 - turn, abs=1e-3)


@given(stiff=st.floats(1e3, 1e5))
def test_stiff_directions_give_the_entropic_factor(stiff):
    """h → ∞ at a fixed shape and c in proportion: k = 1, the factor exp(½∫h'/c)."""
    factor = predict(
        "sgd.entropic-riccati", potential=WELL, transverse=[2 * stiff, stiff], D=0.1, eta=0.1, B=0.1 * stiff / 0.2
    )
    assert factor == pytest.approx(np.exp(0.5), rel=20 / stiff)


@pytest.mark.parametrize(
    ("id", "values", "sentence"),
    [
        ("sgd.quasi-potential", {**SKEWED, "cumulant": [[1.0, -1.0], [0.5, 0.6]]}, "values and probabilities"),
        ("sgd.quasi-potential", {**SKEWED, "cumulant": [[1.0, 0.0], [0.5, 0.5]]}, "must have mean 0"),
        ("sgd.quasi-potential", {**SKEWED, "cumulant": [[0.1, -0.1], [0.5, 0.5]]}, "does not carry a particle up"),
        ("sgd.quasi-potential", {**SKEWED, "boundaries": [0.0, 1.0], "cumulant": VALUES}, "must rise all the way"),
        ("sgd.escape-minibatch", {**PUSHES, "eta": 0.1, "B": 2, "shares": [0.5, 0.6]}, "and a sum of 1.1"),
        ("sgd.escape-minibatch", {**PUSHES, "eta": 0.1, "B": 2, "lengths": [1.0]}, "one row for each length"),
        ("sgd.escape-minibatch", {**PUSHES, "eta": 0.1, "B": 2, "shares": [0.0, 1.0]}, "loss must rise at every place"),
        (
            "sgd.entropic-riccati",
            {"potential": WELL, "transverse": [0.1, 1.0], "D": 0.1, "eta": 0.1, "B": 1.0},
            "must be positive",
        ),
    ],
)
def test_wrong_noise_and_wrong_valleys_are_refused_with_a_sentence(id, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        predict(id, **values)


def test_the_stationary_density_is_that_of_gibbs_where_the_noise_is_the_same():
    at = np.array([-1.5, 0.0, 0.7])
    found = predict("langevin.stationary-density", potential=WELL, D=0.3, x=at, x0=1.0)
    assert found == pytest.approx(np.exp(-((at**2 - 1) ** 2) / 0.3), rel=1e-10)
    noisy = predict("langevin.stationary-density", potential=[0.0], D=lambda x: 0.1 + x**2, x=at, x0=0.0)
    assert noisy == pytest.approx(0.1 / (0.1 + at**2), rel=1e-10)
    with pytest.raises(ValueError, match=r"must be > 0 everywhere, its least is -0\.9"):
        predict("langevin.stationary-density", potential=WELL, D=[0.0, 1.0], x=-0.9, x0=1.0)

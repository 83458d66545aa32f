"""Exits from ellipses: the kernel on a disc, the law where all directions are alike, and what is refused."""

import mpmath
import numpy as np
import pytest

from inertialab.theory import claim
from inertialab.theory.ellipses import stationary
from inertialab.verification.docket import beyond
from inertialab.verification.studies.exact import ellipses

LAW = claim("sgd.quasi-potential-plane")
ELLIPSOID = claim("sgd.quasi-potential-ellipsoid")
POINT = beyond.ELLIPSES_EXACT.config["points"][0]


def test_the_stationary_state_is_one_in_whitened_units():
    step, noise, to = ellipses.whitened(POINT)
    assert step @ step.T + noise == pytest.approx(np.eye(2), abs=1e-12)
    S = stationary(POINT["eta"], np.array(POINT["H"]), np.array(POINT["C"]))
    assert to @ S @ to.T == pytest.approx(np.eye(2), abs=1e-10)


def test_finer_nodes_change_nothing(monkeypatch):
    step, noise, _ = ellipses.whitened(POINT)
    coarse = ellipses.exit_steps(step, noise, 6.0)
    monkeypatch.setattr(ellipses, "RADIAL", 2.4)
    monkeypatch.setattr(ellipses, "AROUND", 1.2)
    assert ellipses.exit_steps(step, noise, 6.0) == pytest.approx(coarse, rel=1e-4)


def test_small_steps_on_a_circle_give_the_time_of_the_diffusion():
    """(Ei(E) - ln E - γ)/2h, exact where H and C are multiples of one."""
    found, exact = [], {}
    for level in (8.0, 12.0, 20.0):
        exact[level] = float(mpmath.ei(level) - mpmath.log(level) - mpmath.euler) / 2
        time = LAW.evaluate(eta=1e-9, H=np.eye(2), C=np.eye(2), level=level)
        found.append(abs(time / exact[level] - 1) * level**2)
    assert max(found) < 2.5  # next order of the law


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_small_steps_on_a_sphere_give_the_time_of_the_diffusion(n):
    """½∫₀ᴱ eᵘ u^{-n/2} γ(n/2, u) du/h, exact where H and C are multiples of one."""
    half, found = n / 2, []
    for level in (24.0, 40.0):
        integral = mpmath.quad(lambda u: mpmath.e**u * u ** (-half) * mpmath.gammainc(half, 0, u), [0, 1, level])
        time = ELLIPSOID.evaluate(eta=1e-11, H=np.eye(n), C=np.eye(n), level=level)
        found.append((float(integral) / 2 / time - 1) * level**2)
    assert found == pytest.approx([half + 2 * half * (half + 1) / level for level in (24.0, 40.0)], rel=0.2)


def test_in_the_plane_both_laws_are_one():
    known = {k: POINT[k] for k in ("eta", "H", "C", "level")}
    assert ELLIPSOID.evaluate(**known) == pytest.approx(LAW.evaluate(**known), rel=1e-12)


def test_an_interval_is_left_as_fast_as_the_chain_of_one_direction():
    point = {"eta": 0.02, "H": [[1.0]], "C": [[1.0]], "level": 12.0}
    (found,) = ellipses.exits([point], rng=None, device=None, tick=lambda: None).measurements
    assert found.estimate.value == pytest.approx(ELLIPSOID.predict(**point), rel=0.02)


def test_the_noise_drops_out_of_the_leading_rate():
    H = np.array([[1.0, 0.2], [0.2, 0.6]])
    times = [
        LAW.evaluate(eta=1e-9, H=H, C=np.array(C), level=10.0)
        for C in ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.5], [0.5, 0.4]], [[9.0, -1.0], [-1.0, 3.0]])
    ]
    assert times == pytest.approx([np.exp(10) / (9 * 1.6)] * 3, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"H": [[1.0, 0.0], [0.0, -1.0]]}, "H must be a symmetric positive definite matrix"),
        ({"C": [[1.0, 0.3], [0.0, 1.0]]}, "C must be a symmetric positive definite matrix, of as many rows"),
        ({"eta": [0.1, 0.2]}, "must be numbers"),
        ({"eta": 9.0}, "does not settle"),
    ],
)
def test_what_has_no_ellipse_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        LAW.predict(**{k: POINT[k] for k in ("eta", "H", "C", "level")} | change)

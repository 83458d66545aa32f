"""Exact passages against independent numbers."""

import numpy as np
import pytest
from scipy import integrate
from wells import WELL, momentum, sgd

from inertialab.experiments.passage import chain_passage, diffusion_passage, pair_chain_passage, without_subtraction
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import quadratic
from inertialab.theory.passage import first_passage


@pytest.mark.parametrize("convention", ["ito", "anti-ito"])
def test_the_diffusion_passage_is_the_double_integral(convention):
    """Adaptive quadrature of it, with noise that depends on the position."""
    (x,) = WELL.coordinates
    system = System(WELL, Noise(((1 + x**2) / 5,)), "sgd", {"eta": 0.1})

    def phi(y):  # ∫ (y³ - y)/(0.01 (1 + y²)) dy
        return 100 * (y * y / 2 - np.log(1 + y * y))

    def within(z, y):
        return np.exp(phi(y) - phi(z)) / (0.01 * (1 + (z if convention == "ito" else y) ** 2))

    value, _ = integrate.dblquad(within, -1.0, 0.9, -3.0, lambda y: y, epsabs=0, epsrel=1e-11)
    passage = diffusion_passage(system, -1.0, 0.9, convention)
    assert passage.steps == pytest.approx(value / 0.1, rel=1e-9)
    assert passage.error < 1e-10


def test_theory_and_experiments_share_one_passage():
    """From the coefficients of the potential, differentiated on the panels, and from the landscape's own slope."""
    potential, D = np.array([0.25, 0.0, -0.5, 0.0, 0.25]), np.array([0.05, 0.0, 0.02])
    (x,) = WELL.coordinates
    system = System(WELL, Noise((1 + 0.4 * x**2,)), "sgd", {"eta": 0.1})
    time = first_passage(potential, D, np.array(-1.0), np.array([0.9, -3.0]))
    assert 0.1 * diffusion_passage(system, -1.0, 0.9).steps == pytest.approx(float(time), rel=1e-10)
    other = first_passage(potential, 1.001 * D, np.array(-1.0), np.array([0.9, -3.0]))
    assert abs(other / time - 1) > 1e-3


def test_elimination_without_subtraction_solves_the_chain():
    chances = np.random.default_rng(0).random((6, 7))
    chances /= chances.sum(1, keepdims=True)
    expected = np.linalg.solve(np.eye(6) - chances[:, :6], np.ones(6))
    assert without_subtraction(chances[:, :6], chances[:, 6]) == pytest.approx(expected, rel=1e-13)


def test_a_long_passage_keeps_its_digits():
    """The difference between theory in continuous time and the chain is a correction of a few per cent, not noise."""
    system = sgd(20)
    chain, flow = chain_passage(system, -1.0, 1.0), diffusion_passage(system, -1.0, 1.0)
    assert chain.error < 1e-10
    assert 2.0e10 < chain.steps < flow.steps < 2.3e10
    assert diffusion_passage(sgd(2000), -1.0, 1.0).log_steps == pytest.approx(2000, rel=0.01)


def test_steps_that_grow_smaller_lead_to_the_ito_integral_and_not_to_the_other():
    (x,) = WELL.coordinates

    def system(eta):
        return System(WELL, Noise(((1 + 2 * x**2) / 20 / eta,)), "sgd", {"eta": eta})

    times = {eta: eta * chain_passage(system(eta), -1.0, 1.0).steps for eta in (0.04, 0.02)}
    # The sharp boundary is seen only after whole steps, an error of order √η, and then of order η; at the other
    # minimum, far behind the saddle, only the second is left.
    limit = 2 * times[0.02] - times[0.04]
    ito, anti = (0.02 * diffusion_passage(system(0.02), -1.0, 1.0, c).steps for c in ("ito", "anti-ito"))
    assert limit == pytest.approx(ito, rel=0.02)
    assert abs(limit / anti - 1) > 0.2


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: diffusion_passage(sgd(5), 1.0, -1.0), "must lie above the start"),
        (lambda: chain_passage(sgd(5, eta=1e-4), -1.0, 1.0), "panels are too many"),
        (lambda: diffusion_passage(sgd(5, landscape=quadratic([[-1.0]])), 0.0, 1.0), "does not rise to the left"),
        (lambda: pair_chain_passage(sgd(5), -1.0, 1.0), "known for heavy-ball in one dimension"),
        (lambda: pair_chain_passage(momentum("heavy-ball", 5, "student-4"), -1.0, 1.0), "known for Gaussian noise"),
        (lambda: chain_passage(sgd(5, law="stable-1.5"), -1.0, 1.0), "known for Gaussian noise; got 'stable-1.5'"),
        (lambda: diffusion_passage(sgd(5, law="stable-1.5"), -1.0, 1.0), "A diffusion needs a variance"),
    ],
)
def test_exact_passages_say_where_they_are_not_known(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

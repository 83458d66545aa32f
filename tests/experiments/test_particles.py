"""Ensembles of particles: what is seen of them, what they cost, and what is refused."""

import tracemalloc

import numpy as np
import pytest
import sympy as sp
import torch
from particle_runs import FLAT, VALLEY, system
from scipy import stats

from inertialab.experiments import checkpoint, picture
from inertialab.experiments.codegen import torch_steps
from inertialab.experiments.particles import Particles
from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import LANDSCAPES, Landscape, coordinates, quadratic, styblinski_tang


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_threads_change_no_result_and_seeds_do(precision):
    setup = system(OPTIMIZERS["adai"])
    runs = []
    for threads, seed in ((1, 5), (2, 5), (1, 6)):
        crowd = Particles(setup, 3000, np.zeros(2), precision=precision, threads=threads)
        crowd.advance(40, seed, 0)
        crowd.advance(31, seed, 1)
        runs.append(crowd.values())
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_simulation_that_is_interrupted_between_two_looks_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    setup = System(quadratic([[2.0]]), Noise((sp.Float(3.0),)), "sgd", {"eta": 0.1})
    arguments = {"particles": 300, "times": [10, 20, 4000], "seed": 1}
    made = []

    def stop(steps):
        made.append(steps)
        if sum(made) > 2000:
            raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        simulate(setup, **arguments, tick=stop, checkpoint=path)
    again = []
    resumed = simulate(setup, **arguments, tick=again.append, checkpoint=path)
    assert again[0] >= 1000
    for name, value in vars(simulate(setup, **arguments)).items():
        assert np.array_equal(getattr(resumed, name), value), name


def test_the_spread_around_a_minimum_is_the_exact_one():
    setup = System(quadratic([[2.0]]), Noise((sp.Float(3.0),)), "sgd", {"eta": 0.1})
    seen = simulate(setup, particles=200_000, times=[5, 400], seed=1)
    exact = 0.1 * 3 / (2 * (2 - 0.2))
    early = exact * (1 - (1 - 0.2) ** 10)
    assert abs(seen.square[0, 0] - early) < 4.5 * seen.square_error[0, 0]
    assert abs(seen.square[1, 0] - exact) < 4.5 * seen.square_error[1, 0]
    assert seen.square_error[1, 0] < 0.01 * exact
    assert (seen.counts.sum(2) == 200_000).all()
    # The law is normal, in every bin of the histogram but the outermost, which hold what lies beyond.
    for k, variance in enumerate((early, exact)):
        expected = np.diff(stats.norm.cdf(seen.edges[k, 0], scale=variance**0.5))[1:-1] * 200_000
        score = ((seen.counts[k, 0, 1:-1] - expected) ** 2 / expected).sum()
        assert stats.chi2.sf(score, len(expected)) > 1e-4


def test_directions_are_looked_at_as_coordinates_are():
    """Along (1, 1)/√2 and in units of its own; the covariance shows in the sum."""
    root = 0.5**0.5
    setup = System(quadratic(np.diag([1.0, 1.0])), Noise.covariance([[1.0, 0.6], [0.6, 1.0]]), "sgd", {"eta": 0.2})
    along = simulate(
        setup, particles=100_000, times=[1, 100], seed=2, directions=[[root, root], [root, -root], [3.0, 0.0]]
    )
    plain = simulate(setup, particles=100_000, times=[1, 100], seed=2)
    first = 0.04 * np.array([1.6, 0.4, 9.0])
    assert (np.abs(along.square[0] - first) < 4.5 * along.square_error[0]).all()
    assert along.square[:, 2] == pytest.approx(9 * plain.square[:, 0], rel=1e-6)
    assert along.edges.shape == (2, 3, 201)
    assert along.edges[1, 2] == pytest.approx(3 * plain.edges[1, 0], abs=1e-6)
    assert np.abs(along.counts[:, 2] - plain.counts[:, 0]).sum() < 20  # single precision against double at an edge


def test_correlated_noise_that_depends_on_the_position_is_taken_before_the_step():
    """Covariance of the first step from two places, compiled and as torch operations."""
    x, y = coordinates(2)
    flat = Landscape("flat", sp.S.Zero, (x, y), {}, (sp.S.Zero, sp.S.Zero))
    noise = Noise.covariance([[1 + x**2, x / 2], [x / 2, 1]])
    setup = System(flat, noise, "sgd", {"eta": 0.1})
    for place in (0.0, 1.0):
        seen = np.zeros((2, 2))
        crowd = Particles(setup, 200_000, np.array([place, 0.0]))
        crowd.advance(1, 5, 0)
        seen = np.cov(crowd.values())
        assert seen == pytest.approx(0.01 * np.array([[1 + place**2, place / 2], [place / 2, 1]]), abs=2e-4)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [([[1.0, 0.5], [0.4, 1.0]], "must be a symmetric matrix"), ([[1.0, 2.0], [2.0, 1.0]], "must be positive definite")],
)
def test_what_is_no_covariance_is_refused(matrix, sentence):
    with pytest.raises(ValueError, match=sentence):
        Noise.covariance(matrix)


def test_memory_beyond_the_particles_is_a_small_part_and_does_not_grow_with_steps():
    """What NumPy holds at most while particles move and are looked at, over what the particles are."""
    place = quadratic(np.diag(np.linspace(0.1, 1, 10)))
    setup = System(place, Noise.constant(place, 1.0), "adam", {"eta": 0.1, "beta": 0.9, "beta2": 0.99, "delta": 1e-8})
    peaks = []
    for steps in (3, 30):
        crowd = Particles(setup, 200_000, np.zeros(10))
        crowd.advance(1, 0, 0)
        tracemalloc.start()
        crowd.advance(steps, 0, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        own = crowd.state.nbytes
    assert peaks[1] < 0.1 * own
    assert peaks[1] < 1.5 * peaks[0] + 1e5


def test_a_ballistic_start_moves_particles_without_noise():
    setup = System(FLAT, Noise.constant(FLAT, 0.0), "momentum-ema", {"eta": 0.1, "beta": 0.5})
    seen = simulate(setup, particles=300, times=[1, 2], seed=0, states={"m": 2.0}, precision=np.float64)
    assert seen.mean[:, 0] == pytest.approx([-0.1, -0.15])


def test_a_new_landscape_is_one_expression():
    (x,) = coordinates(1)
    ripple = Landscape("ripple", sp.cos(x), (x,), {}, (sp.pi,), (sp.S.Zero,))
    seen = simulate(
        System(ripple, Noise.constant(ripple, 0.1), "sgd", {"eta": 0.05}), particles=20_000, times=[500], seed=2
    )
    assert float(seen.variance[0, 0]) == pytest.approx(0.05 * 0.1 / 2, rel=0.1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: torch_steps(system(OPTIMIZERS["sgd"]), 0), "at least one step, got 0"),
        (
            lambda: torch_steps(system(OPTIMIZERS["sgd"]), 1, compiled=False)(torch.zeros(2, 3, device="meta"), 1, 0),
            "must lie on a CPU or a CUDA device, got meta",
        ),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0), "adamm"), "no optimizer 'adamm'; rows are: sgd,"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0, "levy")), "no law of noise 'levy'; take gaussian"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0, "stable-2")), "or stable-α with 1 < α < 2, as stable-1.5"),
        (
            lambda: picture.spread(system(OPTIMIZERS["sgd"], law="stable-1.5"), None, None),
            "displacement needs a variance",
        ),
        (lambda: Noise.covariance(np.eye(2), "stable-1.5"), "A covariance needs a variance, and noise of the law"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0), "sgd", {"beta": 1.0}), "sgd takes eta; got beta"),
        (lambda: System(LANDSCAPES["double-well"], Noise.constant(VALLEY, 1.0)), "call at"),
        (lambda: simulate(system(OPTIMIZERS["sgd"]), particles=10, times=[3, 2], seed=0), "ascending step numbers"),
        (
            lambda: simulate(system(OPTIMIZERS["sgd"]), particles=10, times=[3], seed=0, states={"m": 1}),
            "sgd has no state 'm'",
        ),
    ],
)
def test_wrong_input_is_refused_with_what_to_do(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_particles_that_run_away_are_reported():
    cubic = LANDSCAPES["metastable-cubic"].at()
    setup = System(cubic, Noise.constant(cubic, 50.0), "sgd", {"eta": 0.5})
    with pytest.raises(FloatingPointError, match="ran away within"):
        simulate(setup, particles=300, times=[2000], seed=0)


def test_many_dimensions_start_in_the_deepest_minimum():
    place = styblinski_tang(4)
    setup = System(place, Noise.constant(place, 1e-4), "sgd", {"eta": 0.01})
    seen = simulate(setup, particles=2000, times=[200], seed=0)
    expected = 0.01 * 1e-4 / (2 * float(place.hessian(list(place.numbers(place.minimum)))[0, 0]))
    assert seen.variance[0] == pytest.approx(expected, rel=0.4)

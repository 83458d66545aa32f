"""A landscape made of data: its gradient, its noise, and where particles end up, beside true minibatches."""

import numpy as np
import pytest
import sympy as sp
import torch
from sklearn.datasets import load_diabetes

from inertialab.experiments.minibatch import least_squares_paths
from inertialab.experiments.regression import regression_slice
from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System

DATA = load_diabetes()
X = (DATA.data - DATA.data.mean(0)) / DATA.data.std(0)
Y = (DATA.target - DATA.target.mean()) / DATA.target.std()
BEST = np.linalg.lstsq(X, Y, rcond=None)[0]
PLANE = np.random.default_rng(3).standard_normal((2, 10)) / 3
PLACES = np.random.default_rng(4).standard_normal((6, 2))
STEPS, SETTINGS, BATCH = [80, 160], {"eta": 0.25}, 2
AXES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def sliced(**options):
    return regression_slice(X, Y, **{"batch": BATCH, "directions": PLANE, "origin": BEST, **options})


def covariance(noise, place):
    """C from its root at a place of the plane."""
    numbers = dict(zip(sp.symbols("theta_:2", real=True), place, strict=True))
    A = np.array([[float(e.subs(numbers)) for e in row] for row in noise.root])
    return A @ A.T


def test_value_and_gradient_are_those_of_the_data():
    landscape, _ = sliced()
    for place in PLACES:
        at = torch.tensor(place, requires_grad=True)
        weights = torch.tensor(BEST) + at @ torch.tensor(PLANE)
        loss = ((torch.tensor(X) @ weights - torch.tensor(Y)) ** 2).mean() / 2
        loss.backward()
        assert float(landscape.value(place)) == pytest.approx(loss.item(), rel=1e-13)
        assert landscape.gradient(place) == pytest.approx(at.grad.numpy(), rel=1e-12, abs=1e-14)
    assert landscape.gradient(landscape.numbers(landscape.minimum)) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(("sampling", "factor"), [("with replacement", 1.0), ("without replacement", 382 / 441)])
def test_the_covariance_is_that_of_the_gradients_of_samples_everywhere(sampling, factor):
    _, noise = sliced(batch=60, sampling=sampling)
    for place in PLACES:
        gradients = (X @ PLANE.T) * (X @ (BEST + place @ PLANE) - Y)[:, None]
        expected = factor / 60 * np.cov(gradients.T, bias=True)
        assert covariance(noise, place) == pytest.approx(expected, rel=1e-12, abs=1e-12 * np.abs(expected).max())


def spread(landscape, noise, seed=1):
    """Mean squares along AXES after STEPS, each with its standard error."""
    system = System(landscape, noise, "sgd", SETTINGS)
    seen = simulate(system, particles=400_000, times=STEPS, seed=seed, directions=AXES)
    return seen.square, seen.square_error


def test_particles_spread_as_under_true_minibatches():
    """Second moments close for quadratic noise; constant noise, right at the minimum alone, spreads them too little."""
    landscape, noise = sliced()
    minimum = landscape.numbers(landscape.minimum)
    paths = least_squares_paths(
        X @ PLANE.T,
        Y - X @ BEST,
        optimizer="sgd",
        settings=SETTINGS,
        batch=BATCH,
        sampling="with replacement",
        particles=100_000,
        times=STEPS,
        rng=np.random.default_rng(5),
        start=minimum,
    )
    moved = (paths - minimum) @ AXES.T
    real, real_error = (moved**2).mean(1), (moved**2).std(1) / np.sqrt(moved.shape[1])
    square, error = spread(landscape, noise)
    assert (real_error < 0.012 * real).all()
    assert (np.abs(square - real) < 4 * np.hypot(error, real_error)).all()
    constant, constant_error = spread(landscape, Noise.covariance(covariance(noise, minimum)))
    assert (np.abs(constant - real) > 8 * np.hypot(constant_error, real_error)).all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch": 0}, "from 1 to fewer than 442 samples"),
        ({"batch": 442, "sampling": "without replacement"}, "or there is no noise; got 442"),
        ({"sampling": "shuffled epochs"}, "independent steps; got 'shuffled epochs'"),
        ({"directions": PLANE[:, :3]}, r"shape \(number, 10\)"),
        ({"directions": np.ones((2, 10))}, "the loss is flat"),
    ],
)
def test_what_does_not_fit_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        sliced(**options)


def test_targets_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"targets of shape \(N,\)"):
        regression_slice(X, Y[:5], batch=2)

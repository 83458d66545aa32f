"""Epochs in every ordering: parabolas whose mean is known, and drawn orderings against all of them."""

from itertools import permutations

import numpy as np
import pytest
import torch

from inertialab.experiments.models import softmax_regression
from inertialab.experiments.problem import Problem
from inertialab.verification.studies.exact import orderings as exact
from inertialab.verification.studies.particles import orderings
from inertialab.verification.studies.training import orderings as real

POINT = {"eta": 0.1, "case": 4, "n_batches": 5}


def excess(measure, rng, cpu, *particles):
    (found,) = measure([POINT], *particles, rng=rng, device=cpu, tick=lambda: None).measurements
    return found


def test_an_epoch_goes_through_its_minibatches_in_order():
    shapes = exact.losses(4, 3)
    order = [2, 0, 1]
    theta = 0.0
    for i in order:
        a, w, at = shapes[i].tolist()
        theta -= 0.1 * a * w * np.tanh(w * (theta - at))
    assert float(exact.epochs(shapes, torch.tensor([order]), 0.1)) == pytest.approx(theta, rel=1e-12)


def test_gradient_flow_is_the_limit_of_short_steps_on_the_mean_loss():
    shapes = exact.losses(4, 5)
    theta, parts = 0.0, 20_000
    a, w, at = shapes.numpy().T
    for _ in range(parts):
        theta -= 0.1 * 5 / parts * np.mean(a * w * np.tanh(w * (theta - at)))
    assert exact.flow(4, 5, 0.1) == pytest.approx(theta, rel=1e-4)


def test_what_is_said_of_the_gradients_is_so_by_differences():
    shapes, step = exact.losses(4, 5), 1e-6
    a, w, at = shapes.numpy().T
    squares = [np.mean((a * w * np.tanh(w * (x - at))) ** 2) for x in (-step, 0.0, step)]
    found = exact.about(shapes)
    assert found["square_slope"] == pytest.approx((squares[2] - squares[0]) / (2 * step), rel=1e-6)
    assert found["g_rms"] == pytest.approx(squares[1] ** 0.5)
    assert found["h_top"] == pytest.approx((a * w**2).max())


def test_drawn_orderings_have_the_mean_of_all_orderings(rng, cpu):
    every, some = excess(exact.every_ordering, rng, cpu), excess(orderings.drawn_orderings, rng, cpu, 4000)
    assert abs(every.estimate.value - some.estimate.value) < 4 * some.estimate.se
    assert some.estimate.se < 5e-3 * abs(every.estimate.value)


ETA, BATCH, ORDERS = 0.02, 2, torch.tensor(list(permutations(range(4))))


@pytest.fixture
def tiny():
    """A network on four samples, away from its minimum."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(4, 3, dtype=torch.float64, generator=generator)
    return Problem(softmax_regression(3, 2, generator).double(), inputs, torch.tensor([0, 1, 1, 0]), l2=0.05)


def all_epochs(problem):
    """Places after the epoch in every order of the samples."""
    theta = problem.start.repeat(len(ORDERS), 1)
    for batch in ORDERS.split(BATCH, 1):
        theta = theta - ETA * problem.batch_gradients(theta, batch)
    return theta


def test_squared_gradients_are_the_mean_over_all_epochs_of_a_network(tiny):
    start = tiny.start.repeat(len(ORDERS), 1)
    each = [tiny.batch_gradients(start, batch).square().sum(1) for batch in ORDERS.split(BATCH, 1)]
    found = real._squares(tiny, tiny.start[None], BATCH)
    assert float(found) == pytest.approx(float(torch.stack(each).mean()), rel=1e-12)


def test_drawn_epochs_of_a_network_have_the_mean_of_all(tiny):
    known = {"B": BATCH, "n_batches": 2, "eta": ETA}
    ends = real._ends(tiny, tiny.start, known, 3000, torch.Generator().manual_seed(0), lambda: None)
    off = ends.mean(0) - all_epochs(tiny).mean(0)
    assert (off.abs() < 4 * ends.std(0) / len(ends) ** 0.5 + 1e-15).all()
    assert (ends[0] != ends[1]).any()


def test_an_epoch_of_a_network_leaves_gradient_flow_by_the_squared_gradients(tiny):
    basis = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))).Q
    off = (all_epochs(tiny).mean(0) - real._flow(tiny, tiny.start, 2 * ETA)) @ basis
    law = -(ETA**2) * 2 * real._slopes(tiny, tiny.start, basis, BATCH) / 4
    assert np.linalg.norm(off.numpy() - law) < 0.03 * np.linalg.norm(law)
    # Independent batches would follow the square of the whole gradient.
    other = -(ETA**2) * 2 * real._slopes(tiny, tiny.start, basis, 4) / 4
    assert np.linalg.norm(off.numpy() - other) > 0.2 * np.linalg.norm(law)

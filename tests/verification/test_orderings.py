"""Epochs in every ordering: parabolas whose mean is known, and drawn orderings against all of them."""

import numpy as np
import pytest
import torch

from inertialab.verification.studies.exact import orderings as exact
from inertialab.verification.studies.particles import orderings

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

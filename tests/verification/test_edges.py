"""Steps of the optimizers on a parabola: their matrix against the symbolic one, and what happens on either side."""

import numpy as np
import pytest
import torch

from inertialab.experiments.exact import recursion
from inertialab.optim import OPTIMIZERS
from inertialab.verification.studies.exact.edges import edges, transition

POINT = {"eta": 0.3, "beta": 0.7}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum-torch", "momentum-ema"])
def test_the_matrix_of_a_step_is_that_of_the_symbolic_rule(optimizer):
    point = {"eta": 0.3} if optimizer == "sgd" else POINT
    A, _ = recursion(optimizer, h=1.7, **point)
    assert transition(optimizer, point, 1.7) == pytest.approx(A, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "heavy-ball", "adam"])
def test_beyond_the_edge_runs_diverge_and_before_it_they_converge(optimizer, rng, cpu):
    point = {"eta": 0.3} if optimizer == "sgd" else POINT if optimizer == "heavy-ball" else {**POINT, "v": 4.0}
    (found,) = edges(optimizer, [point], rng=rng, device=cpu, tick=lambda: None).measurements
    for share, far in ((0.98, False), (1.02, True)):
        A = transition(optimizer, point, share * found.estimate.value * point.get("v", 1.0) ** 0.5)
        end = np.linalg.matrix_power(A, 2000)[0, 0]
        assert (abs(end) > 1) == far


def test_heavy_ball_itself_turns_from_convergence_to_divergence(rng, cpu):
    (found,) = edges("heavy-ball", [POINT], rng=rng, device=cpu, tick=lambda: None).measurements
    ends = []
    for share in (0.98, 1.02):
        theta = torch.ones(1, dtype=torch.float64)
        stepper = OPTIMIZERS["heavy-ball"].make([theta], **POINT)
        for _ in range(1500):
            theta.grad = share * found.estimate.value * theta
            stepper.step()
        ends.append(abs(float(theta)))
    assert ends[0] < 1e-3
    assert ends[1] > 1e3


def test_adam_whose_second_moment_stands_still_is_momentum_at_another_rate():
    A, _ = recursion("momentum-ema", h=1.7, eta=0.3 / 2, beta=0.7)
    assert transition("adam", {**POINT, "v": 4.0}, 1.7) == pytest.approx(A, rel=1e-12)

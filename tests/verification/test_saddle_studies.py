"""Studies of saddles: steps read off the optimizers, and what a step of finite length does to damped motion."""

import numpy as np
import pytest

from inertialab.experiments.exact import recursion
from inertialab.theory import claim
from inertialab.verification.docket import STUDIES
from inertialab.verification.studies.exact.one_step import linear_step, matrix_step
from inertialab.verification.studies.particles import adaptive, crowds, leaving


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd", {"eta": 0.3}),
        ("momentum-ema", {"eta": 0.3, "beta": 0.9}),
        ("momentum-torch", {"eta": 0.3, "beta": 0.4}),
    ],
)
@pytest.mark.parametrize("h", [-0.7, 0.0, 1.3])
def test_the_step_of_an_optimizer_is_that_of_its_symbolic_map(name, settings, h):
    for own, symbolic in zip(linear_step(name, settings, h), recursion(name, h=h, **settings), strict=True):
        assert own == pytest.approx(symbolic, abs=1e-15)


def test_the_step_of_sgd_in_the_plane_is_its_matrix():
    H = np.array([[1.0, 0.4], [0.4, -0.2]])
    A, kick = matrix_step("sgd", {"eta": 0.1}, H)
    assert pytest.approx(np.eye(2) - 0.1 * H) == A
    assert kick == pytest.approx(-0.1 * np.eye(2))


def followed(point, memory, step):
    """Second moment of the recursion that the particles follow, without sampling, over that of damped motion."""
    D, h, gamma, M, v0sq = (point[k] for k in ("D", "h", "gamma", "M", "v0sq"))
    dt = step / gamma
    eta, beta = dt / (gamma * M), (1 - step / 2) / (1 + step / 2)
    A, kick = recursion("momentum-ema", h=h * eta, eta=1.0, beta=beta)
    start = np.sqrt(v0sq) * dt * np.array([0.5, -1.0])
    moments, steps = np.outer(start, start), round(memory / step)
    for _ in range(steps):
        moments = A @ moments @ A.T + 2 * D / dt * eta**2 * kick @ kick.T
    law = claim("momentum.saddle-msd-continuous").predict(**{**point, "t": (steps + 0.5) * dt})
    return moments[0, 0] / law


@pytest.mark.parametrize("study", ["damped-spread", "thermal-spread"])
def test_a_step_is_so_short_that_what_it_does_is_a_quarter_of_the_margin(study):
    """Damped motion is followed to 0.5%, and to four times less at half the step."""
    config = STUDIES[study].config
    assert pytest.approx(leaving.LEAPFROG["beta"]) == (1 - leaving.STEP / 2) / (1 + leaving.STEP / 2)
    for point in config["points"]:
        for memory in config["memories"]:
            error, halved = (followed(point, memory, step) - 1 for step in (leaving.STEP, leaving.STEP / 2))
            assert abs(error) <= 0.005
            assert abs(halved) <= abs(error) / 2.5 + 1e-4


def test_held_particles_stay_and_their_averages_become_those_of_the_noise():
    root = np.diag([0.5, 2.0])
    settings = {"eta": 0.1, "beta": 0.9, "beta2": 0.98, "delta": 0.0}
    crowd = adaptive.warm("adam", settings, np.diag([-0.1, 0.3]), root, 8192, 200, 1, lambda: None)
    assert not crowd.values().any()
    second, buffer = crowd.values("v").astype(float), crowd.values("m").astype(float)
    assert second.mean(1) == pytest.approx(np.diag(root) ** 2, rel=0.01)
    assert (buffer**2).mean(1) == pytest.approx(0.1 / 1.9 * np.diag(root) ** 2, rel=0.06)
    assert crowd.steps > adaptive.LONG_AGO


def test_blocks_stand_on_the_diagonal():
    whole = crowds.block_diagonal([[[1.0, 2.0], [2.0, 1.0]], [[3.0]]])
    assert whole.tolist() == [[1, 2, 0], [2, 1, 0], [0, 0, 3]]

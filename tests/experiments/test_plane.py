"""The backward equation in the plane against lines, asymptotics and particles."""

import numpy as np
import pytest

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.plane import plane_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, quadratic

LINE = LANDSCAPES["double-well"].at()
STRAIGHT = LANDSCAPES["transverse-well"].at(stiffness=1.3, stiffness_saddle=1.3)
NARROWING = LANDSCAPES["transverse-well"].at(stiffness=1.0, stiffness_saddle=4.0)
VALLEY = LANDSCAPES["curved-valley"].at()


def sgd(landscape, ratio, eta=0.02):
    """SGD whose barrier is `ratio` times eta C/2."""
    return System(landscape, Noise.constant(landscape, 2 * 0.25 / ratio / eta), "sgd", {"eta": eta})


@pytest.mark.parametrize("ratio", [5, 10, 20])
def test_a_straight_valley_is_a_line(ratio):
    exact = diffusion_passage(sgd(LINE, ratio), -1.0, 1.0).steps
    found = plane_passage(sgd(STRAIGHT, ratio), (-1.0, 0.0), 1.0)
    assert found.steps == pytest.approx(exact, rel=5e-5)
    assert found.error < 5e-3


def test_noise_that_depends_on_the_position_is_taken_in_the_sense_of_ito():
    (x,), (u, _) = LINE.coordinates, STRAIGHT.coordinates
    line = System(LINE, Noise(((1 + x**2) * 4,)), "sgd", {"eta": 0.02})
    plane = System(STRAIGHT, Noise(((1 + u**2) * 4, 2.0 + 0 * u)), "sgd", {"eta": 0.02})
    found = plane_passage(plane, (-1.0, 0.0), 0.9).steps
    ito, anti = (diffusion_passage(line, -1.0, 0.9, c).steps for c in ("ito", "anti-ito"))
    assert found == pytest.approx(ito, rel=2e-4)
    assert abs(found / anti - 1) > 0.05


def kramers(factor, ratio):
    """Eyring and Kramers's time, curvatures 2 and -1 along the way."""
    return 2 * np.pi / np.sqrt(2) * factor * np.exp(ratio)


def test_low_noise_leads_to_eyring_and_kramers_with_an_error_of_order_of_the_noise():
    off = [0.02 * plane_passage(sgd(VALLEY, r), (-1.0, 0.0), 1.0).steps / kramers(1, r) - 1 for r in (10, 20)]
    assert abs(off[1]) < 0.04
    assert off[0] / off[1] == pytest.approx(2, rel=0.15)  # the next order is a tenth of it here


def test_a_valley_that_narrows_delays_by_the_root_of_transverse_curvatures():
    time = 0.02 * plane_passage(sgd(NARROWING, 16), (-1.0, 0.0), 1.0).steps
    assert time == pytest.approx(kramers(np.sqrt(4), 16), rel=0.01)


def test_particles_in_a_curved_valley_leave_as_the_backward_equation_says():
    """Steps for a flow cost an error of first order, here extrapolated from two rates at the same temperature."""
    times = []
    for eta in (0.04, 0.02):
        steps = int(300 / eta)
        found = count_escapes(
            sgd(VALLEY, 4, eta), start=[-1.0, 0.0], boundary=1.0, particles=40_000, steps=steps, seed=1, burn_in=500
        )
        times.append(eta * found.steps)
        assert found.events > 30_000
    exact = 0.02 * plane_passage(sgd(VALLEY, 4), (-1.0, 0.0), 1.0).steps
    assert 2 * times[1] - times[0] == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plane_passage(sgd(LINE, 5), (-1.0, 0.0), 1.0), "known for sgd in two dimensions, got sgd in 1"),
        (lambda: plane_passage(sgd(VALLEY, 5), (1.0, 0.0), -1.0), "boundary must lie above the start"),
        (
            lambda: plane_passage(System(VALLEY, Noise.covariance([[1.0, 0.5], [0.5, 1.0]])), (-1.0, 0.0), 1.0),
            "knows no correlated noise",
        ),
        (lambda: plane_passage(sgd(quadratic([[1.0, 0], [0, -1.0]]), 5), (0.0, 0.0), 1.0), "does not rise around"),
        (lambda: plane_passage(sgd(VALLEY, 26), (-1.0, 0.0), 1.0), "would be lost in rounding"),
        (
            lambda: plane_passage(System(VALLEY, Noise.constant(VALLEY, 1.0, "stable-1.5")), (-1.0, 0.0), 1.0),
            "variance",
        ),
        (lambda: plane_passage(System(VALLEY, Noise.constant(VALLEY, 0.0)), (-1.0, 0.0), 1.0), "noise vanishes"),
    ],
)
def test_what_the_plane_cannot_say_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

"""Passages of an optimizer's own chain by collocation, beside nodes, pairs and counted particles."""

import numpy as np
import pytest
from wells import WELL, sgd

from inertialab.experiments.backward import Axis, backward_passage, noise_points
from inertialab.experiments.escape import count_escapes
from inertialab.experiments.passage import chain_passage, pair_chain_passage
from inertialab.experiments.system import Noise, System

PATH = Axis((-2.0, -1.2, -0.6, 0.0, 0.6, 1.0), 12)


def test_a_polynomial_is_interpolated_exactly():
    x = np.linspace(-2, 1, 50)
    nodes = PATH.nodes
    assert PATH.interpolation(x) @ (nodes**5 - nodes) == pytest.approx(x**5 - x)
    assert PATH.interpolation(np.array([-9.0, 9.0])) @ nodes == pytest.approx([-2, 1])


@pytest.mark.parametrize("barrier", [5, 12])
def test_sgd_passes_as_its_chain_on_gauss_nodes_does(barrier):
    """Up to the sharp end of the way, where the time of a chain jumps and a polynomial does not."""
    exact = chain_passage(sgd(barrier), -1.0, 1.0).steps
    assert backward_passage(sgd(barrier), {"theta_0": PATH}, {"theta_0": -1.0}, 1.0) == pytest.approx(exact, rel=2e-3)


def test_momentum_passes_as_its_chain_of_pairs_does():
    """EMA momentum at η is heavy ball at (1 - β)η."""
    heavy = System(WELL, Noise.constant(WELL, 40.0), "heavy-ball", {"eta": 0.02, "beta": 0.8})
    exact = pair_chain_passage(heavy, -1.0, 1.0, nodes=192)
    system = System(WELL, heavy.noise, "momentum-ema", {"eta": 0.1, "beta": 0.8})
    axes = {"theta_0": PATH, "m_0": Axis((-16.0, -5.0, 5.0, 16.0), 12)}
    found = backward_passage(system, axes, {"theta_0": -1.0, "m_0": 0.0}, 1.0)
    assert found == pytest.approx(exact.steps, rel=0.01)


def test_adam_passes_as_its_particles_do():
    settings = {"eta": 0.05, "beta": 0.0, "beta2": 0.9, "delta": 0.0}
    system = System(WELL, Noise.constant(WELL, 4.0), "adam", settings)
    axes = {"theta_0": PATH, "v_0": Axis((0.4, 2.0, 6.0, 20.0), 10)}
    found = backward_passage(system, axes, {"theta_0": -1.0, "v_0": 4.0}, 1.0)
    counted = count_escapes(
        system, start=[-1.0], boundary=1.0, particles=20_000, steps=3000, seed=1, states={"v": 4.0}, age=1000
    )
    assert counted.steps == pytest.approx(found, rel=4 / counted.events**0.5 + 0.01)


@pytest.mark.parametrize("law", ["gaussian", "two-point", "skewed", "skewed-down"])
def test_quadratures_have_the_moments_of_their_laws(law):
    (values,), weights = noise_points(System(WELL, Noise.constant(WELL, 1.0, law), "sgd", {"eta": 0.1}))
    third = {"gaussian": 0.0, "two-point": 8 / 3, "skewed": 8 / 3 / 8**0.5, "skewed-down": -8 / 3 / 8**0.5}[law]
    assert [float(values**n @ weights) for n in range(4)] == pytest.approx([1, 0, 1, third], abs=1e-12)


def test_a_state_without_an_axis_and_a_law_without_quadrature_are_refused():
    adam = System(WELL, Noise.constant(WELL, 4.0), "adam", {"eta": 0.05, "beta": 0.9, "beta2": 0.9, "delta": 0.0})
    with pytest.raises(ValueError, match="depends on m_0, which has no axis"):
        backward_passage(adam, {"theta_0": PATH, "v_0": PATH}, {"theta_0": -1.0, "v_0": 0.0}, 1.0)
    heavy = System(WELL, Noise.constant(WELL, 4.0, "student-4"), "sgd", {"eta": 0.05})
    with pytest.raises(ValueError, match="no quadrature for noise of the law 'student-4'"):
        backward_passage(heavy, {"theta_0": PATH}, {"theta_0": -1.0}, 1.0)


def test_a_time_too_long_for_double_precision_is_refused():
    """At a barrier of thirty-five noises the solution of the linear system would have no digit left."""
    with pytest.raises(ValueError, match=r"rounding takes more than a thousandth"):
        backward_passage(sgd(35), {"theta_0": PATH}, {"theta_0": -1.0}, 1.0)

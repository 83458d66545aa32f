"""Landscapes: derivatives against finite differences, critical points, and parameters that do not fit."""

import numpy as np
import pytest
import sympy as sp

from inertialab.theory.landscapes import LANDSCAPES, coordinates, quadratic, scaled, styblinski_tang

EVERY = [row.at() for row in LANDSCAPES.values()] + [
    quadratic([[2.0, 0.5], [0.5, -1.0]]),
    styblinski_tang(3),
    scaled(LANDSCAPES["double-well"], 4.0).at(),
]
every = pytest.mark.parametrize("landscape", EVERY, ids=lambda row: row.name)


@every
def test_derivatives_are_those_of_finite_differences(landscape):
    rng = np.random.default_rng(0)
    point = rng.uniform(-1.6, 1.6, (len(landscape.coordinates), 40))
    for i in range(len(point)):
        step = np.zeros_like(point)
        step[i] = 1e-5
        slope = (landscape.value(point + step) - landscape.value(point - step)) / 2e-5
        assert landscape.gradient(point)[i] == pytest.approx(slope, abs=1e-6)
        bend = (landscape.gradient(point + step) - landscape.gradient(point - step)) / 2e-5
        assert landscape.hessian(point)[i] == pytest.approx(bend, abs=2e-3)


@every
def test_minimum_and_saddle_are_critical_points_of_their_kind(landscape):
    for point, negative in ((landscape.minimum, 0), (landscape.saddle, 1)):
        if point and landscape.name != "quadratic":
            at = landscape.numbers(point)
            assert landscape.gradient(at) == pytest.approx(0, abs=1e-9)
            assert (np.linalg.eigvalsh(landscape.hessian(at)) < 0).sum() == negative


def test_the_shaped_well_has_the_shape_asked_for():
    """Curvatures, barriers and widths of both wells are independent, and there is no minimum between."""
    shape = {"barrier": 0.7, "width": 1.3, "curvature_minimum": 3.0, "curvature_saddle": 0.8}
    well = LANDSCAPES["shaped-well"].at(**shape, depth_far=1.1, width_far=0.9, curvature_far=5.0)
    assert well.value([1.3]) - well.value([0.0]) == pytest.approx(0.7)
    assert well.value([1.3]) - well.value([2.2]) == pytest.approx(1.1)
    assert [float(well.hessian([p])[0, 0]) for p in (0.0, 1.3, 2.2)] == pytest.approx([3.0, -0.8, 5.0])
    slope = well.gradient([np.linspace(-0.5, 2.7, 2001)])[0]
    assert (np.diff(np.sign(slope)) != 0).sum() == 3
    assert (
        np.abs(
            np.diff(well.hessian([np.array([-1e-9, 1e-9, 1.3 - 1e-9, 1.3 + 1e-9, 2.2 - 1e-9, 2.2 + 1e-9])]))[0, 0, ::2]
        ).max()
        < 1e-6
    )


def test_a_rotated_quadratic_has_the_same_eigenvalues():
    angle = 0.3
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landscape = quadratic(rotation @ np.diag([2.0, -0.5]) @ rotation.T)
    assert np.linalg.eigvalsh(landscape.hessian([0.0, 0.0])) == pytest.approx([-0.5, 2.0])


def test_a_scaled_copy_has_the_same_barrier_and_other_curvatures():
    one, four = LANDSCAPES["double-well"].at(), scaled(LANDSCAPES["double-well"], 4.0).at()
    assert four.value(four.numbers(four.saddle)) == pytest.approx(one.value(one.numbers(one.saddle)))
    assert four.hessian(four.numbers(four.minimum)) == pytest.approx(4 * one.hessian(one.numbers(one.minimum)))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: LANDSCAPES["double-well"].at(depth=1.0),
            "double-well has no parameter 'depth'; it has: barrier, width",
        ),
        (
            lambda: LANDSCAPES["shaped-well"].at(curvature_minimum=90.0),
            "do not fit the barrier and width of the near well",
        ),
        (lambda: LANDSCAPES["tilted-double-well"].at(tilt=6.0), "abs.tilt. must be below 5"),
        (lambda: LANDSCAPES["double-well"].value([0.0]), "call at"),
        (lambda: LANDSCAPES["curved-valley"].at().value([0.0]), "has 2 coordinates, got 1"),
        (lambda: quadratic([[1.0, 2.0], [0.0, 1.0]]), "needs a symmetric matrix"),
    ],
)
def test_wrong_input_is_refused_with_what_to_do(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_wrong_gradient_would_be_noticed():
    landscape = LANDSCAPES["double-well"].at()
    wrong = sp.lambdify(coordinates(1), landscape.gradients[0] * 1.001)
    assert abs(wrong(0.5) - landscape.gradient([0.5])[0]) > 1e-6

"""Valleys of zero loss: fitted samples, directions along and across, and the drift of a crowd."""

import numpy as np
import pytest
import torch
from torch.func import hessian

from inertialab.theory import claim
from inertialab.verification.studies.training import valleys

DATA, SAMPLES, HIDDEN = "wine", 4, 3


@pytest.fixture
def problem(rng, cpu):
    return valleys._problem(DATA, SAMPLES, HIDDEN, rng, cpu)


@pytest.fixture
def place(problem):
    return valleys.fitted(problem, problem.start)


def test_all_samples_are_fitted_by_the_least_step(problem, place):
    residual = valleys._outputs(problem, place) - problem.targets
    assert residual.abs().max() < valleys.FITTED
    assert set(problem.targets.tolist()) <= {-1.0, 1.0}
    again = valleys.fitted(problem, place + 1e-4)
    here = valleys.valley(problem, place, 0.0)
    step = again - (place + 1e-4)
    assert (step - here.across @ (here.across.T @ step)).norm() < 1e-3 * step.norm()  # across, not along


def test_what_cannot_be_fitted_is_said(problem):
    twice = valleys.Problem(
        problem.model, problem.inputs[:1].repeat(2, 1), torch.tensor([1.0, -1.0]).double(), loss=valleys._half_square
    )
    with pytest.raises(RuntimeError, match="2 samples are not fitted"):
        valleys.fitted(twice, twice.start)


def test_curvatures_and_slopes_are_those_of_the_whole_hessian(problem, place):
    here = valleys.valley(problem, place, 0.3)
    whole = hessian(problem.value)(place)
    values = torch.linalg.eigvalsh(whole)
    assert values[-SAMPLES:].numpy() == pytest.approx(here.curvatures.numpy(), rel=1e-8)
    assert values[:-SAMPLES].abs().max() < 1e-10
    assert float((here.across.T @ here.along).abs().max()) < 1e-12
    assert float(here.along.norm()) == pytest.approx(1)
    known = valleys._matrices(problem, place, here)
    slopes, H = np.array(known["slopes"]), np.array(known["H"])
    assert slopes.T @ slopes / SAMPLES == pytest.approx(H, abs=1e-10)
    ends = [hessian(problem.value)(place + sign * 1e-4 * here.along) for sign in (1, -1)]
    change = (here.across.T @ (ends[0] - ends[1]) @ here.across / 2e-4).numpy()
    assert np.array(known["H_along"]) == pytest.approx((change + change.T) / 2, abs=1e-5)


@pytest.mark.parametrize("eta", [0.0, 0.2])
def test_along_the_valley_the_regulariser_falls_the_fastest(problem, place, eta):
    here, generator = valleys.valley(problem, place, eta), torch.Generator().manual_seed(1)

    def fall(direction):
        ends = [valleys._regulariser(problem, place + sign * 1e-5 * direction, eta) for sign in (1, -1)]
        return float(ends[1] - ends[0]) / 2e-5

    for _ in range(5):
        other = torch.randn(len(place), dtype=torch.float64, generator=generator)
        other -= here.across @ (here.across.T @ other)
        assert fall(other / other.norm()) < fall(here.along)


def test_the_regulariser_is_a_quarter_of_the_trace_for_short_steps(problem, place):
    here = valleys.valley(problem, place, 0.0)
    quarter = float(here.curvatures.sum()) / 4
    assert float(valleys._regulariser(problem, place, 0.0)) == pytest.approx(quarter)
    assert float(valleys._regulariser(problem, place, 1e-6)) == pytest.approx(quarter, rel=1e-4)
    logs = -np.log(1 - 0.2 * here.curvatures.numpy() / 2).sum() / 0.4
    assert float(valleys._regulariser(problem, place, 0.2)) == pytest.approx(logs)


@pytest.mark.parametrize(("batch", "id"), [({}, "network"), ({"B": 2}, "sampled")])
def test_a_crowd_drifts_as_its_law_says_and_not_as_the_other(batch, id, rng, cpu):
    point = {"data": DATA, "n_samples": 5, "steepness": 0.8, "share": 1e-3, **batch}
    (found,) = valleys.drifts([point], HIDDEN, 60, rng=rng, device=cpu, tick=lambda: None).measurements
    known, laws = found.point, {}
    for name in ("network", "sampled"):
        law = claim(f"label-noise.flatness-{name}")
        laws[name] = float(law.evaluate(**{str(s): known[str(s)] for s in law.arguments}))
    error = 4 * found.estimate.se + 0.02 * abs(laws[id])
    assert abs(found.estimate.value - laws.pop(id)) < error
    assert abs(found.estimate.value - next(iter(laws.values()))) > error

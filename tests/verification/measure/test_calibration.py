"""PyHessian beside our own instrument."""

import pytest
import torch

from inertialab.verification.measure import Problem, hessian, top_eigenpairs
from inertialab.verification.measure import calibration as calibrating
from inertialab.verification.measure.calibration import InstrumentsDisagreeError, calibrate, pyhessian_top_eigenvalue


def test_pyhessian_finds_the_same_top_eigenvalue(trained, generator):
    problem, at = trained
    pairs = top_eigenpairs(hessian(Problem.of(problem, at)), 1, rtol=1e-8, generator=generator)
    before = torch.random.get_rng_state()
    assert pyhessian_top_eigenvalue(problem, at) == pytest.approx(float(pairs.values[0]), rel=1e-3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_instruments_that_disagree_stop_the_measurement(trained, generator, monkeypatch):
    problem, at = trained
    pairs = top_eigenpairs(hessian(Problem.of(problem, at)), 1, generator=generator)
    monkeypatch.setattr(calibrating, "pyhessian_top_eigenvalue", lambda problem, at: 1.01 * float(pairs.values[0]))
    with pytest.raises(InstrumentsDisagreeError, match=r"by Lanczos and .* by PyHessian"):
        calibrate(problem, at, pairs)


def test_without_pyhessian_the_record_says_so(trained, generator, monkeypatch):
    problem, at = trained
    pairs = top_eigenpairs(hessian(Problem.of(problem, at)), 1, generator=generator)
    monkeypatch.setitem(__import__("sys").modules, "pyhessian", None)
    found = calibrate(problem, at, pairs)
    assert found["pyhessian"] is None
    assert "pip install pyhessian==0.1" in found["reason"]

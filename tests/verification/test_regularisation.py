"""Fits along a line beside dense algebra and a general minimiser; best strengths of curves that are known."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from inertialab.experiments.har.ensemble import Ensemble
from inertialab.experiments.har.logistic import penalised_logits
from inertialab.experiments.har.smoother import Line
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.problem import Problem
from inertialab.verification.studies.regularisation import gradients, labels, networks, strengths
from inertialab.verification.studies.training.minima import minimum

M = 24
NODES = (np.arange(M) + 0.5) / M


def test_the_error_along_a_line_is_that_of_dense_algebra(rng):
    H, V, q, strength = rng.uniform(0.5, 2, (4, M))
    line = Line(np.sin(3 * NODES), H, V, q, n=500.0)
    rise = M * np.diff(np.eye(M), axis=0)
    penalty = rise.T @ np.diag((q * strength)[1:] + (q * strength)[:-1]) @ rise
    answer = np.linalg.solve(np.diag(q * H) + penalty, np.diag(q * H))
    bias = answer @ line.truth - line.truth
    variance = answer**2 @ (V / H**2 / (500 * q / M))
    assert np.allclose(line.error(strength * np.ones(M)), bias**2 + variance, rtol=1e-9)


@pytest.mark.parametrize("which", ["output", "loss"])
def test_penalised_logits_are_the_minimum_of_what_they_say(rng, which):
    trials = rng.integers(5, 30, M)
    ones = rng.binomial(trials, 0.3 + 0.4 * NODES)

    def objective(f):
        p, rise = 1 / (1 + np.exp(-f)), M * np.diff(f)
        size = trials if which == "output" else ones * (1 - p) ** 2 + (trials - ones) * p**2
        return np.sum(trials * np.logaddexp(0, f) - ones * f) + 0.003 * np.sum((size[1:] + size[:-1]) / 2 * rise**2)

    found = penalised_logits(ones, trials, np.zeros(M), **{which: 0.003})
    best = minimize(objective, found, options={"gtol": 1e-8}).fun
    assert objective(found) == pytest.approx(best, abs=1e-7)
    assert objective(found) < objective(found + 1e-3 * rng.standard_normal(M))


@pytest.mark.parametrize("which", ["output", "loss"])
def test_strengths_fitted_together_are_those_fitted_alone(rng, which):
    trials, several = rng.integers(5, 30, M), np.array([1e-4, 3e-3, 0.2])
    ones = rng.binomial(trials, 0.3 + 0.4 * NODES)
    together = penalised_logits(ones, trials, np.zeros(M), **{which: several})
    alone = [penalised_logits(ones, trials, np.zeros(M), **{which: strength}) for strength in several]
    assert together == pytest.approx(np.array(alone), abs=1e-8)
    assert np.ptp(together, axis=1).tolist() == sorted(np.ptp(together, axis=1), reverse=True)


def test_chunks_of_seeds_are_counted_and_averaged_together(rng, cpu, monkeypatch):
    point = {"R": 50.0, "sigma": 0.2, "n": 24, "width": 3, "low": 1e-3, "high": 0.1}
    seen = []

    def both_arms(point, seeds, steps, grid, *rest):
        first = sum(seen)
        seen.append(seeds)
        numbers = np.arange(first, first + seeds)[:, None, None, None] + 1.0
        away = 1 + (np.log(grid / 0.01) ** 2)[:, None]  # every arm is best in the middle
        return np.ones((seeds, 2)), numbers * away * np.array([1.0, 0.5])[:, None, None] * np.ones(2)

    monkeypatch.setattr(networks, "both_arms", both_arms)
    monkeypatch.setattr(networks, "CHUNK", 2)
    found = networks.known_groups([point], 5, 7, rng=rng, device=cpu, tick=lambda: None)
    assert seen == [2, 2, 1]
    assert [m.estimate.value for m in found.measurements] == pytest.approx([0.5, 0.5])
    assert found.measurements[0].estimate.n == 5
    assert found.facts["point 0"]["error"][0][2] == pytest.approx([3.0, 3.0])


def test_the_best_of_a_parabola_and_its_error(rng):
    logs, shifts = np.linspace(-1, 1, 9), 0.1 * rng.standard_normal(400)
    best = labels.Curve(0.2, logs, (logs - 0.2 - shifts[:, None]) ** 2 + 1).best()
    assert best.value == pytest.approx(0.2 + shifts.mean(), abs=1e-5)
    assert best.se == pytest.approx(shifts.std(ddof=1) / 20, rel=1e-4)


def test_a_strength_at_an_end_of_those_tried_is_refused():
    flat = Line(np.zeros(50), *np.ones((3, 50)), n=10.0)
    with pytest.raises(FloatingPointError, match="lies at an end"):
        strengths._common(flat, 1.0, (-8.0, -2.0))


def test_hessian_and_penalty_of_a_class_are_those_of_its_samples(rng, cpu):
    problem, at, _ = minimum("wine", "softmax-regression", 0.03, rng, cpu)
    found = gradients.by_class(problem, at, torch.Generator().manual_seed(0))
    chosen = problem.targets == 1
    dense = hessian(Problem(problem.model, problem.loss, (problem.inputs[chosen], problem.targets[chosen]), at=at))
    assert found[1]["trace"] == pytest.approx(float(dense.to_dense().trace()), abs=4 * found[1]["trace error"] + 1e-9)
    chances = problem.outputs(at, problem.inputs[chosen]).softmax(1)
    residuals = (chances - torch.nn.functional.one_hot(problem.targets[chosen], 3)).square().sum(1)
    assert found[1]["penalty"] == pytest.approx(residuals.mean().item(), rel=1e-10)


def test_networks_of_an_ensemble_know_nothing_of_each_other():
    model = Ensemble(3, (1, 4, 1), torch.Generator().manual_seed(0))
    x = torch.linspace(-1, 1, 6)[:, None]
    before = model(x)
    (slope,) = torch.autograd.grad(before[:2].sum(), model.weights[0])
    assert slope[0].abs().sum() > 0
    assert slope[1:].abs().sum() == 0
    alike = Ensemble(4, (1, 4, 1), torch.Generator().manual_seed(0), alike=2)
    same = alike(torch.ones(4, 1))[:, 0]
    assert same[0] == same[1] != same[2] == same[3]

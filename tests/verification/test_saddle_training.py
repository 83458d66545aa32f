"""Studies of saddles in real training: what they refuse, and units for which there is no symmetry."""

import numpy as np
import pytest
import torch

from inertialab.experiments import data
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.docket import STUDIES, real_saddle
from inertialab.verification.studies.training import adaptive_saddles, saddles, symmetric

needs_data = pytest.mark.skipif(data.data_folder() is None, reason="INERTIALAB_DATA is not set")
ABOUT = {"rng": np.random.default_rng(0), "device": torch.device("cpu"), "tick": lambda: None}


@pytest.mark.parametrize(("activation", "still"), [("linear", True), ("tanh", True), ("sigmoid", False)])
def test_the_origin_is_without_noise_for_units_that_are_zero_at_zero_alone(activation, still):
    point = {"data": "wine", "hidden": 2, "activation": activation, "loss": "squared"}
    for m in symmetric.origins([point], **ABOUT).measurements:
        assert (m.estimate.value == 0) == still
        assert still or m.estimate.value > 1e-3 * m.point["unit"]


def test_softplus_units_are_noisy_at_the_origin_too():
    point = {"data": "wine", "hidden": 2, "activation": "softplus", "loss": "cross-entropy"}
    noise = symmetric.origins([point], **ABOUT).measurements[0]
    assert noise.estimate.value > 0.01 * noise.point["unit"]


@needs_data
def test_an_unused_unit_is_left_without_noise_and_without_moving():
    found = symmetric.still("cardiotocography-symmetric", 30, **ABOUT)
    (way,) = found.measurements
    assert way.estimate.value < 1e-20 * way.point["unit"]
    assert found.facts["noise along it"] < 1e-20 * found.facts["largest noise"]


@needs_data
def test_a_point_that_is_no_saddle_is_refused(monkeypatch):
    problem, at = saddles.known("cardiotocography-2")
    monkeypatch.setattr(saddles, "known", lambda name, device: (problem, at + 0.01))
    with pytest.raises(saddles.NoSaddleError, match=r"moved has gradient norm .* needs a norm below 1e-10"):
        saddles.place("moved", 1, np.random.default_rng(0), torch.device("cpu"))


@needs_data
@pytest.mark.parametrize(
    ("attribute", "wrong"),
    [
        ("_warm", lambda crowd, second, steps: crowd.warm(1)),
        ("LONG_AGO", 1.0),
        ("_seen", lambda crowd, at, times, tick: np.stack([(crowd.run(1).theta - at).numpy() for _ in times])),
    ],
)
def test_wrong_starts_and_times_of_adaptive_methods_are_noticed(monkeypatch, attribute, wrong):
    id = "cardiotocography-2-adaptive"
    checks = [check for check in real_saddle.CHECKS if check.study.id == id]

    def contradicted():
        judged = judge_all(compare_all(checks, {id: STUDIES[id].run(chains=1000)}))
        return [j for j in judged if {j.verdict, j.comparison.expected} == {"confirmed", "refuted"}]

    assert contradicted() == []
    monkeypatch.setattr(adaptive_saddles, attribute, wrong)
    assert contradicted()


def test_measurements_come_with_what_the_laws_ask_for():
    found = STUDIES["every-path"].run()
    for m in found.measurements:
        assert {"eta", "B", "T", "H", "K2", "M0"} <= found.conditions(m).keys()
        assert m.estimate.exact

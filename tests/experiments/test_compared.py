"""The word compare: what the optimizers' own steps do, sentences for wrong input, and runs that go on."""

import json

import numpy as np
import pytest
import torch

from inertialab.experiments import __main__ as command
from inertialab.experiments.compared import command as compare
from inertialab.experiments.compared import counterexample, digits, minima, picture
from inertialab.experiments.compared.options import DEFAULTS, Compare
from inertialab.optim import OPTIMIZERS, AdaiW

SMALL = {
    "counterexample": ["--steps", "60", "--runs", "50"],
    "warmup": ["--steps", "12", "--runs", "2", "--eta", "0.01"],
    "conformity": ["--steps", "12", "--runs", "2"],
    "minima": ["--steps", "40", "--runs", "2", "--hidden", "2", "--loss", "3"],
}
LAW = {"rare": 24.0, "mean": 0.005, "beta": 0.0, "beta2": 0.99, "eta": (1e-3,)}


def nothing(_):
    pass


def test_moments_are_those_of_the_drawn_gradients():
    law = counterexample.moments(24, 0.005)
    values = np.where(np.random.default_rng(0).random(2_000_000) < law["chance"], 24, -1)
    assert values.mean() == pytest.approx(law["mu"], abs=0.02)
    assert values.var() == pytest.approx(law["C"], rel=0.01)
    assert ((values - values.mean()) ** 3).mean() == pytest.approx(law["third"], rel=0.02)
    assert (values**2).mean() == pytest.approx(law["square"], rel=0.01)


def test_sgd_goes_down_at_the_mean_gradient_and_loses_nothing():
    settings = {**LAW, "mean": 0.5, "steps": 400, "runs": 4000}
    seen = counterexample.run("sgd", settings, 0, nothing)
    expected = -0.5 / counterexample.moments(24, 0.5)["square"] ** 0.5
    assert seen["drift"][0] == pytest.approx(expected, abs=4 * seen["drift"][1])
    assert seen["place"][-1] == pytest.approx(400 * expected, abs=4 * seen["error"][-1])
    assert seen["loss"][0] == pytest.approx(0, abs=1e-9)


def test_every_optimizer_of_the_package_is_an_arm():
    assert set(counterexample.ARMS) == set(OPTIMIZERS)


def test_momentum_goes_the_same_way_in_every_convention():
    settings = {**LAW, "mean": 0.5, "steps": 300, "runs": 200}
    averaged, *summed = (
        counterexample.run(arm, settings, 0, nothing)["place"] for arm in ("momentum-ema", *counterexample.SUMMED)
    )
    for places in summed:
        assert places == pytest.approx(averaged, rel=1e-9)


def test_adam_goes_the_wrong_way_where_adashift_does_not():
    settings = {**LAW, "steps": 3000, "runs": 2000}
    adam, shifted = (counterexample.run(arm, settings, 1, nothing) for arm in ("adam", "adashift"))
    assert adam["drift"][0] > 10 * adam["drift"][1]
    assert abs(shifted["loss"][0]) < 4 * shifted["loss"][1]
    assert adam["loss"][0] > 20 * adam["loss"][1]
    chance = counterexample.moments(24, 0.005)["chance"]
    weights = -24 * chance * (1 - adam["loss"][0]) + (1 - chance)  # what the loss makes of the mean step
    assert weights > 0


def test_a_moment_that_holds_the_gradient_is_seen_by_the_loss(monkeypatch):
    """AdaShift without its lag is Adam."""
    settings = {**LAW, "steps": 600, "runs": 2000}
    row = OPTIMIZERS["adashift"]
    monkeypatch.setitem(counterexample.OPTIMIZERS, "adashift", OPTIMIZERS["adam"])
    wrong = counterexample.run("adashift", settings, 1, nothing)
    assert wrong["loss"][0] > 10 * wrong["loss"][1]
    assert row.idle == 10


def test_with_momentum_no_step_is_of_one_gradient():
    settings = {**LAW, "beta": 0.9, "steps": 50, "runs": 10}
    assert counterexample.run("adam", settings, 0, nothing)["loss"] is None
    assert counterexample.run("adai", settings, 0, nothing)["loss"] is None


def test_first_step_of_adam_is_one_learning_rate_and_warm_ups_are_below():
    settings = {"steps": 20, "beta": 0.9, "beta2": 0.99, "batch": 16}
    data = digits.load("digits")
    made = {
        arm: digits.warm(digits.Learner.new(data, 16, 3), arm, 0.01, settings, nothing)["update"]
        for arm in digits.WARMUPS
    }
    assert made["none"][0] == pytest.approx(1, abs=1e-3)
    assert made["linear"][0] == pytest.approx(0.005, rel=1e-3)
    assert made["square root"][0] == pytest.approx(0.005**0.5, rel=1e-3)
    assert max(made["none"]) == made["none"][0]


def test_scale_is_the_one_that_was_applied():
    learner = digits.Learner.new(digits.load("digits"), 16, 0)
    optimizer = OPTIMIZERS["cprop-sgd"].make(learner.parameters, eta=0.1, beta=0.99)
    for _ in range(5):
        learner.backward()
        before = [p.detach().clone() for p in learner.parameters]
        optimizer.step()
    found = digits.scales(optimizer)
    applied = [
        ((b - p.detach()) / (0.1 * digits._gradient(p)))[optimizer.state[p]["conformity_mean"] != 0]
        for p, b in zip(learner.parameters, before, strict=True)
    ]
    applied = torch.cat(applied)
    sure = torch.isfinite(applied)
    assert sure.float().mean() > 0.5
    assert float((applied - found)[sure].abs().median()) < 1e-12


def test_random_signs_leave_the_scale_near_one_half_and_the_loss_where_it_was():
    settings = {"steps": 60, "eta": (0.1,), "beta": 0.999}
    data = digits.load("digits")
    learning, signs = (
        digits.conform(digits.Learner.new(data, 32, 0), arm, settings, 0, nothing) for arm in digits.GRADIENTS
    )
    assert signs["scale"][-1] == pytest.approx(0.5, abs=0.03)
    assert learning["scale"][-1] > 0.75
    assert learning["loss"][-1] < 0.8 * learning["loss"][0]
    assert signs["loss"][-1] == pytest.approx(signs["loss"][0], rel=0.05)


FEW = {"steps": 400, "runs": 3, "batch": 32, "hidden": 3, "loss": 1.0}


def test_minima_are_looked_at_where_the_loss_is_first_down():
    seen = minima.found(FEW, 5, "sgd 0.5", nothing)
    crowd, _ = minima.begun(FEW, 5, "sgd 0.5")
    losses = []
    for _ in range(int(max(seen["steps"])) // minima.EVERY):
        crowd.run(minima.EVERY)
        losses.append([float(crowd.problem.value(row)) for row in crowd.theta])
    for row, (steps, loss) in enumerate(zip(seen["steps"], seen["loss"], strict=True)):
        assert [x[row] <= 1.0 for x in losses].index(True) == steps / minima.EVERY - 1
        assert loss == pytest.approx(losses[int(steps) // minima.EVERY - 1][row])


def test_sharpness_and_trace_are_those_of_the_hessian():
    crowd, held = minima.begun(FEW, 0, "sgd 0.1")
    seen, at = minima.looked_at(crowd.problem, held, crowd.theta[0]), crowd.theta[0]
    H = torch.func.hessian(crowd.problem.value)(at)
    assert seen["trace"] == pytest.approx(float(H.trace()), rel=1e-9)
    assert seen["sharpness"] == pytest.approx(float(torch.linalg.eigvalsh(H)[-1]), rel=1e-9)


def test_rows_are_the_trainings_of_the_class_itself():
    """AdaiW on a row of many is AdaiW on it alone, decay and own mean of second moments included."""
    rng = torch.Generator().manual_seed(0)
    start = torch.randn(3, 7, generator=rng, dtype=torch.float64)
    theta, alone = start.clone(), [row.clone() for row in start]
    together = minima.ARMS["adaiw 0.5"](theta)
    apart = [AdaiW([row], lr=0.5, weight_decay=5e-4) for row in alone]
    for _ in range(20):
        theta.grad = torch.randn(3, 7, generator=rng, dtype=torch.float64) * torch.tensor([[1.0], [2.0], [3.0]])
        for row, optimizer, g in zip(alone, apart, theta.grad, strict=True):
            row.grad = g.clone()
            optimizer.step()
        together.step()
    assert torch.allclose(theta, torch.stack(alone), rtol=1e-12)
    plain = start * (1 - 0.5 * 5e-4) ** 20
    assert not torch.allclose(theta, start + theta - plain, rtol=1e-6)


def test_arms_start_alike_and_see_the_same_batches():
    (one, _), (other, _) = (minima.begun(FEW, 3, arm) for arm in ("sgd 0.1", "adam 0.001"))
    assert torch.equal(one.theta, other.theta)
    one.run(2)
    other.run(2)
    assert torch.equal(one.indices, other.indices)


@pytest.mark.parametrize("what", SMALL)
def test_a_command_gives_a_record_a_picture_and_lines_once(tmp_path, capsys, what):
    arguments = ["compare", what, *SMALL[what], "--out", str(tmp_path)]
    assert command.main(arguments) == 0
    told = capsys.readouterr().out
    assert "95% intervals over" in told
    assert told.startswith(f"{what}: steps {SMALL[what][1]}, runs {SMALL[what][3]}, ")
    (record,) = tmp_path.glob(f"compare-{what}-*.json")
    found = json.loads(record.read_text())
    assert found["status"] == "complete"
    assert found["key"]["experiment"] == what
    assert record.with_suffix(".svg").read_text().startswith("<?xml")
    assert not list(tmp_path.glob("*.part.pt"))
    before = record.stat().st_mtime_ns
    assert command.main(arguments) == 0
    assert record.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["counterexample", "--steps", "0"], "--steps: steps must be at least 10"),
        (["counterexample", "--runs", "1"], "--runs: runs must be at least 2"),
        (["counterexample", "--eta", "nan"], "--eta: eta must be positive"),
        (["counterexample", "--eta", "1", "2"], "--eta: counterexample takes one learning rate"),
        (["warmup", "--eta"], "--eta: warmup takes one learning rate"),
        (["counterexample", "--beta", "1"], "--beta: beta must be in [0, 1)"),
        (["counterexample", "--rare", "0.5"], "--rare: rare must be finite and at least 1"),
        (["counterexample", "--mean", "30"], "--mean: mean must be below rare, 24"),
        (["counterexample", "--batch", "8"], "--batch: counterexample takes"),
        (["warmup", "--rare", "8"], "--rare: warmup takes"),
        (["conformity", "--beta2", "0.9"], "--beta2: conformity takes"),
        (["conformity", "--beta", "0"], "--beta: CProp needs a memory"),
        (["conformity", "--batch", "5000"], "--batch: there are 1797 samples"),
        (["minima", "--eta", "0.1"], "--eta: minima takes steps, runs, batch, hidden, loss; not eta"),
        (["minima", "--loss", "0"], "--loss: loss must be positive"),
        (["minima", "--hidden", "500"], "--hidden: hidden must be from 1 to 64"),
        (["minima", "--batch", "1500"], "--batch: there are 1437 samples"),
        (["minima", "--steps", "40", "--runs", "2"], "--steps: sgd 0.1 has a training loss of"),
        (["warmup", "--seed", "-1"], "--seed: give a whole number"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, capsys, arguments, sentence):
    assert command.main(["compare", *arguments, "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err.strip()
    assert sentence in told
    assert "\n" not in told
    assert not list(tmp_path.glob("*.json"))


class Stopped(BaseException):
    """Like an interruption."""


@pytest.mark.parametrize("what", SMALL)
def test_a_run_that_was_stopped_goes_on_and_gives_the_same_numbers(tmp_path, monkeypatch, what):
    arguments = ["compare", what, *SMALL[what]]
    assert command.main([*arguments, "--out", str(tmp_path / "whole")]) == 0
    done, right = [], compare.Kept.__setitem__

    def stopping(self, name, value):
        right(self, name, value)
        done.append(name)
        if len(done) == 2:
            raise Stopped

    monkeypatch.setattr(compare.Kept, "__setitem__", stopping)
    with pytest.raises(Stopped):
        command.main([*arguments, "--out", str(tmp_path / "stopped")])
    assert list((tmp_path / "stopped").glob("*.part.pt"))
    assert command.main([*arguments, "--out", str(tmp_path / "stopped")]) == 0
    assert len(done) == len(set(done))
    one, other = (json.loads(next((tmp_path / n).glob("compare-*.json")).read_text()) for n in ("whole", "stopped"))
    assert one["result"] == other["result"]


def test_pictures_draw_what_is_predicted():
    key = {"steps": 4, "runs": 2, "beta": 0.9, "beta2": 0.99}
    law = {"mu": 0.1, "C": 2.0, "third": 3.0}
    arms = {arm: {"place": [1.0, 2.0, 3.0, 4.0], "error": [0.1] * 4} for arm in ("adam", "adashift")}
    asked = []

    def predicted(id, **given):
        asked.append((id, given))
        return given["third"]

    drawn = picture.counterexample(key, {"law": law, "times": [1, 2, 3, 4], "arms": arms}, predicted)
    lines = {line.get_label(): line.get_ydata() for line in drawn.axes[0].lines}
    assert np.allclose(lines["claimed, Adam"], [1, -2, -5, -8])
    assert np.allclose(lines["claimed, AdaShift"], 1)
    assert asked[0] == ("adashift.drift", {"mu": 0.1, "C": 2.0, "beta": 0.9, "beta2": 0.99, "third": 3.0})


def test_every_experiment_has_defaults_that_it_accepts():
    for what in DEFAULTS:
        Compare(what).check()

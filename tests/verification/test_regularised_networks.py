"""Jacobian and Hessian of the arms of a comparison, by group: beside plain automatic differentiation."""

import json

import pytest
import torch
from torch.func import functional_call

from inertialab.experiments.__main__ import main as experiments
from inertialab.experiments.har import arms, tables
from inertialab.experiments.har.fit import generator_of
from inertialab.verification.__main__ import main

SHORT = ["--steps", "30", "--strengths", "1e-1", "--hidden", "3"]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    out = tmp_path_factory.mktemp("har")
    assert experiments(["har", "--demo", "labels", *SHORT, "--out", str(out)]) == 0
    (path,) = out.glob("har-labels-????????.json")
    return path


@pytest.fixture(scope="module")
def result(record):
    assert main(["network", str(record)]) == 0
    return json.loads(record.with_suffix(".curvature.json").read_text())["result"]


def test_each_arm_is_measured_on_each_group_that_it_was_trained_on(record, result):
    table = tables.labels(0)
    rows = ~arms.test_rows(table.groups, 0.25, generator_of(0, "test"))
    (run,) = result["runs"]
    assert result["groups"] == list(table.names)
    for k, arm in enumerate(arms.ARMS):  # another group of each arm
        chosen = rows & (table.groups == k)
        x, y = table.x[chosen].double().requires_grad_(), table.y[chosen]
        model = arms.network(x.shape[1], 10, 3, 0).double()
        model.load_state_dict(arms.load(arms.weights_of(record))[f"0 {arm}"])
        loss = torch.nn.functional.cross_entropy(model(x), y, reduction="sum")
        (slopes,) = torch.autograd.grad(loss, x)
        seen = run[arm][k]
        assert seen["penalty"] == pytest.approx(slopes.square().sum(1).mean().item(), rel=1e-6)
        assert seen["trace"] == pytest.approx(traced(model, x.detach(), y), abs=4 * seen["trace error"])


def traced(model, x, y):
    """Trace of the whole Hessian of the mean loss, entry by entry."""
    names = {name: p.detach() for name, p in model.named_parameters()}
    sizes = [p.numel() for p in names.values()]

    def loss(flat):
        parts = zip(names.items(), flat.split(sizes), strict=True)
        return torch.nn.functional.cross_entropy(
            functional_call(model, {name: part.view(p.shape) for (name, p), part in parts}, (x,)), y
        )

    at = torch.cat([p.flatten() for p in names.values()])
    return float(torch.func.hessian(loss)(at).trace())


def test_a_penalty_makes_smaller_what_it_penalises(result):
    none, uniform = (sum(group["penalty"] for group in result["runs"][0][arm]) for arm in ("none", "uniform"))
    assert uniform < 0.8 * none


def test_a_table_of_numbers_and_lost_weights_are_one_sentence(record, tmp_path, capsys):
    assert experiments(["har", *SHORT, "--out", str(tmp_path)]) == 0
    (numbers,) = tmp_path.glob("har-regression-????????.json")
    assert main(["network", str(numbers)]) == 2
    assert "are measured for the demonstrations labels and images" in capsys.readouterr().err
    alone = tmp_path / record.name
    alone.write_text(record.read_text())
    assert main(["network", str(alone)]) == 2
    assert f"{arms.weights_of(alone)} is not there" in capsys.readouterr().err

"""The instrument beside independent ones, and what happens when they disagree."""

import pytest
import torch

import inertialab.verification.__main__ as command
from inertialab.verification import commands
from inertialab.verification.measure import Operator, instruments


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """One calibration, shared by the tests."""
    return instruments.calibration(tmp_path_factory.mktemp("calibration"))


def test_all_instruments_agree(record):
    rows = record["result"]["rows"]
    assert record["result"]["agree"]
    assert {row["instrument"] for row in rows} == {"dense", "scipy eigsh", "PyHessian"}
    assert all(
        abs(row["difference"]) <= 1e-8 for row in rows if row["instrument"] == "dense" and "l" in row["quantity"]
    )
    assert not instruments.disagreements(record)


def test_an_instrument_that_is_wrong_by_a_thousandth_is_found(monkeypatch):
    right = instruments.hessian

    def wrong(problem):
        A = right(problem)
        return Operator(A.size, lambda rows: 1.002 * A.rows(rows), A.dtype, A.device)

    monkeypatch.setattr(instruments, "hessian", wrong)
    rows = instruments.compare("softmax-regression", 0)
    by = {row["instrument"] for row in rows if not row["agree"]}
    assert by >= {"dense", "scipy eigsh", "PyHessian"}


def test_the_command_says_who_disagrees_and_fails(record, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(commands, "calibration", lambda folder, seed: record)
    assert command.main(["calibrate", "--out", str(tmp_path)]) == 0
    count = len(record["result"]["rows"])
    assert count >= 20
    told = f"{count} of {count} comparisons with dense, scipy eigsh, PyHessian agree"
    assert told in capsys.readouterr().out
    rows = [{**row, "agree": row["instrument"] != "PyHessian"} for row in record["result"]["rows"]]
    monkeypatch.setattr(
        "inertialab.verification.commands.calibration", lambda folder, seed: {"result": {"rows": rows, "agree": False}}
    )
    assert command.main(["calibrate", "--out", str(tmp_path)]) == 1
    assert "instruments disagree largest |lambda| of softmax-regression" in capsys.readouterr().out
    assert command.main(["calibrate", "--seed", "-1"]) == 2


def test_without_pyhessian_the_instrument_is_not_calibrated(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyhessian", None)
    assert command.main(["calibrate", "--out", str(tmp_path)]) == 1
    assert "pip install pyhessian==0.1" in " ".join(capsys.readouterr().out.split())
    assert torch.is_grad_enabled()

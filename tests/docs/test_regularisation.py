"""The page of adaptive regularisation, from records."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import regularisation
from scipy.optimize import minimize, minimize_scalar

from inertialab.experiments.har import tables
from inertialab.experiments.har.arms import ARMS
from inertialab.experiments.har.command import ratios
from inertialab.experiments.store import read_json
from inertialab.theory.claims.regularisation.groups import har_both_groups, har_clean_group
from inertialab.theory.claims.regularisation.strength import har_mistuning


def run(ratio, picture=True):
    dots = {"x": [-1.0, 1.0, 0.5], "y": [0.0, 1.0, 0.5], "group": [0, 1, 1]}
    seen = {"picture": {"dots": dots, "grid": [-1.0, 1.0], "lines": {"uniform": [0.0, 1.0], "har": [0.1, 0.9]}}}
    stages = {"noise": [0.0123, 2.5], "noise error": [0.001, 0.2], "strengths": [0.5, 2.0]}
    test = {
        "uniform": {"squared": [1.0, 3.0], "about the truth": [0.5, 0.0]},
        "har": {"squared": [1.0, 3.0], "about the truth": [0.5 * ratio, 0.0]},
    }
    curve = {"0.001": [1.0, 1.0], "0.01": [1.0, 1.0], "0.1": [1.0, 1.0]}
    stages |= {"factor": 0.1, "uniform": 0.01, "held out": {"uniform": curve, "har": curve}}
    return {**stages, "test": test, **(seen if picture else {})}


@pytest.fixture
def folder(tmp_path):
    runs = [run(0.2), run(0.4, picture=False)]
    result = {"groups": ["clean", "noisy"], "counts": [260, 280], "task": "regression", "inputs": 1, "runs": runs}
    record = {"result": result, "commit": "0123456789", "key": {"versions": {"torch": "9"}, "test": 0.25}}
    (tmp_path / "regression.json").write_text(json.dumps(record))
    return tmp_path


def test_every_group_is_a_row_with_what_its_strength_is_worth(folder):
    told = regularisation.shown("regression", folder)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("|")][2:]
    assert rows[0][:7] == ["clean", "260", "0.0123 ± 0.001", "0.5", "0.5", "0.15", "0.3 ± 0.1"]
    assert rows[1][6:] == ["no error either way", "", ""]
    assert rows[2][:7] == ["both, equal weights", "540", "", "", "0.25", "0.075", "0.3 ± 0.1"]
    assert "2 independent splits; errors are the squared error about the truth on test rows; commit 0123456" in told
    formulas = [float(claim.predict(R=100.0)) for claim in (har_clean_group, har_both_groups)]
    assert [rows[0][7], rows[2][7]] == [f"{value:.3g}" for value in formulas]
    assert told.endswith(
        "Strength by group: the largest strength of the grid was chosen in 2 of 2 splits; a better one may lie beyond."
    )


def test_exact_fits_are_those_of_dense_algebra():
    """Both sensors as the demonstration draws them, on the nodes of a grid, with a general minimiser."""
    m, n = 720, 405
    x = (np.arange(m) + 0.5) / m * 6 - 3
    truth, noise = np.cos(2 * np.pi * x / 3), np.where(x < 0, *tables.SPREADS) ** 2 * m / n
    rise = np.diff(np.eye(m), axis=0) * m

    def error(logs):
        strengths = np.where(x < 0, *np.exp(logs))
        penalty = rise.T @ np.diag(strengths[1:] + strengths[:-1]) @ rise
        answer = np.linalg.inv(np.eye(m) + penalty)
        return (answer @ truth - truth) ** 2 + answer**2 @ noise

    close = {"xatol": 0.01, "fatol": 1e-8}
    own = error(minimize(lambda logs: error(logs).mean(), [-6.0, -4.0], method="Nelder-Mead", options=close).x)
    common = error(np.full(2, minimize_scalar(lambda log: error([log, log]).mean(), bounds=(-8, -2)).x))
    (_, clean), _, (_, both) = regularisation.predicted(n).columns
    assert float(clean) == pytest.approx(own[x < 0].mean() / common[x < 0].mean(), rel=0.02)
    assert float(both) == pytest.approx(own.mean() / common.mean(), rel=0.01)


def test_where_the_clean_formula_holds_takes_readings_with_the_fifth_power_of_the_width():
    conditions = {"H": 1.0, "V": 2.25, "q": 1.0, "n": 405.0, "f2": (4 * np.pi) ** 2 / 2**0.5, "wave": 4 * np.pi}
    width = (2.25 / (16 * 405 * conditions["f2"] ** 2)) ** 0.2
    found = regularisation.readings(conditions)
    assert found == pytest.approx(405 * (width * 4 * np.pi * 150) ** 5)
    assert f"from {found:.0e} on" in regularisation.predicted(405).told


def test_arms_without_a_penalty_are_shown_where_a_record_has_them(folder):
    record = json.loads((folder / "regression.json").read_text())
    for one in record["result"]["runs"]:
        one["test"]["none"] = {"squared": [1.0, 3.0], "about the truth": [0.6, 0.5]}
    (folder / "labels.json").write_text(json.dumps(record))
    head, _, first, *_ = [line for line in regularisation.shown("labels", folder).splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head.split("|")[5:-1]] == [*ARMS.values(), "ratio", "over no penalty"]
    assert [cell.strip() for cell in first.split("|")[5:-1]] == ["0.6", "0.5", "0.15", "0.3 ± 0.1", "0.25 ± 0.083"]


def test_what_was_measured_by_group_is_a_row_for_each_arm(tmp_path):
    runs = [
        {arm: [{"penalty": k + scale, "trace": 10.0 * scale} for k in (0, 1)] for arm in ("none", "har")}
        for scale in (1.0, 3.0)
    ]
    (tmp_path / "labels.curvature.json").write_text(json.dumps({"result": {"groups": ["a", "b"], "runs": runs}}))
    told = regularisation.by_group("labels", tmp_path)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("|")][2:]
    assert rows[1] == ["a", "strength by group", "2 ± 1", "20 ± 10"]
    assert [row[0] for row in rows] == ["a", "a", "b", "b"]
    assert "Mean over 2 splits" in told
    assert regularisation.by_group("labels", tmp_path / "nowhere").startswith("No measurement")


def test_one_split_has_no_error(folder):
    record = json.loads((folder / "regression.json").read_text())
    record["result"]["runs"] = record["result"]["runs"][:1]
    (folder / "regression.json").write_text(json.dumps(record))
    assert "| 0.2 |" in regularisation.shown("regression", folder)
    assert regularisation._told(0.2, math.nan) == "0.2"


def test_the_price_of_a_wrong_strength_on_the_page_is_that_of_the_formula():
    page = Path(__file__).parents[2] / "docs" / "har.md"
    twice, half = (100 * (float(har_mistuning.predict(r=r)) - 1) for r in (2.0, 0.5))
    assert f"Twice the optimum costs {twice:.0f} percent, half of it {half:.0f}," in page.read_text()
    assert f"Twice the optimal strength costs {twice:.0f} percent, half of it {half:.0f}:" in har_mistuning.prose


def test_the_figure_shows_both_fits_and_has_the_same_bytes_each_time(folder):
    figure = regularisation.figure(folder)
    assert figure == regularisation.figure(folder)
    assert all(name in figure for name in ("clean", "noisy", ARMS["uniform"], ARMS["har"]))


def test_a_page_without_records_says_so(tmp_path):
    assert regularisation.shown("labels", tmp_path) == regularisation.NONE


def test_the_committed_records_are_complete_and_of_the_demonstrations():
    for name, fewest in (("regression", 3), ("labels", 3), ("images", 2)):
        record = regularisation.found(name)
        assert record is not None
        assert record["status"] == "complete"
        assert record["key"]["demo"] == name
        assert not record["dirty"]
        assert len(record["result"]["runs"]) >= fewest


def test_what_the_page_says_of_no_penalty_is_in_the_records():
    record, measured = (read_json(regularisation.FOLDER / f"labels{end}.json") for end in ("", ".curvature"))
    assert record is not None
    assert measured is not None
    (flipped, rare, plain) = ratios(record["result"], "none")["wrong"]
    assert all(ratio + 2 * error < 1 for ratio, error in (flipped, plain))
    assert rare[0] - 2 * rare[1] > 1
    for run in measured["result"]["runs"]:
        for arm in ("uniform", "har"):
            assert all(a["penalty"] < b["penalty"] for a, b in zip(run[arm], run["none"], strict=True))


def test_the_committed_measurement_is_of_the_weights_of_the_committed_record():
    record = regularisation.found("labels")
    measured = read_json(regularisation.FOLDER / "labels.curvature.json")
    assert record is not None
    assert measured is not None
    assert measured["status"] == "complete"
    assert not measured["dirty"]
    assert measured["key"]["weights"] == record["result"]["weights"]["sha256"]

"""The page of adaptive regularisation, from records."""

import json
import math
from pathlib import Path

import pytest
import regularisation

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
    result = {"groups": ["clean", "noisy"], "counts": [1, 2], "task": "regression", "inputs": 1, "runs": runs}
    record = {"result": result, "commit": "0123456789", "key": {"versions": {"torch": "9"}}}
    (tmp_path / "regression.json").write_text(json.dumps(record))
    return tmp_path


def test_every_group_is_a_row_with_what_its_strength_is_worth(folder):
    told = regularisation.shown("regression", folder)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("|")][2:]
    assert rows[0] == ["clean", "1", "0.0123 ± 0.001", "0.5", "0.5", "0.15", "0.3 ± 0.1"]
    assert rows[1][-1] == "no error either way"
    assert "2 independent splits; errors are the squared error about the truth on test rows; commit 0123456" in told
    assert told.endswith(
        "Strength by group: the largest strength of the grid was chosen in 2 of 2 splits; a better one may lie beyond."
    )


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
    assert all(name in figure for name in ("clean", "noisy", *regularisation.ARMS.values()))


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

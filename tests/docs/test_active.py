"""The table and the curves of asking for labels, from records."""

import json

import active
import pytest


@pytest.fixture
def folder(tmp_path):
    """Two records, and a file that is none."""
    for name, shift in (("digits-odd", 0.05), ("banknote", 0.0)):
        errors = {"ARBAL": [[0.2, 0.15], [0.22, 0.15]]}
        for other in ("IWAL", "margin", "every row", "forest, every row"):
            errors[other] = [[x + shift for x in row] for row in errors["ARBAL"]]
        ends = [{"method": "ARBAL", "regions": 3 + i, "labels": 90, "rounds": 100, "seed": i} for i in range(2)]
        key = {"command": "arbal", "title": name, "shuffles": 2, "seed": 0, "regions": 10, "gain": 0.005}
        key |= {"split_slack": 0.1, "versions": {"scikit-learn": "9"}}
        result = {"streamed": 898, "budgets": [200, 400], "errors": errors, "ends": ends}
        (tmp_path / f"{name}.json").write_text(json.dumps({"key": key, "result": result}))
    (tmp_path / "other.json").write_text("{}")
    return tmp_path


def test_every_record_is_a_row_with_its_differences(folder):
    text = active.shown(folder)
    banknote, digits = [line for line in text.split("\n") if line.startswith(("| banknote", "| digits"))]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (banknote, digits)]
    assert cells[0] == ["banknote", "898", "400", "3.5", "90%", *["+0.0 ± 0.0"] * 3]
    assert cells[1] == ["digits-odd", "898", "400", "3.5", "90%", *["-5.0 ± 0.0"] * 3]
    assert "2 shuffles from seed 0" in text


def test_the_figure_has_a_panel_for_each_and_the_same_bytes_each_time(folder):
    figure = active.figure(folder)
    assert figure == active.figure(folder)
    assert all(name in figure for name in ("digits-odd", "banknote", "IWAL"))


def test_a_page_without_records_says_so(tmp_path):
    assert active.shown(tmp_path) == active.NONE


def test_settings_are_told_with_the_best_scores_first():
    candidates = [
        {"settings": {"gain": g, "split_slack": 0.1, "cuts": 3}, "score": s} for g, s in ((0.01, 0.95), (0.0025, 0.9))
    ]
    grid = {"gain": [0.0025, 0.01], "split_slack": [0.05, 0.1, 0.2], "cuts": [1, 3, 5]}
    key = {"seeds": [1000, 1009], "labels": 400, "sets": ["a", "b"], "grid": grid}
    text = active.settings({"key": key, "result": {"candidates": candidates, "chosen": candidates[1]["settings"]}})
    assert text.startswith("Chosen: gain 0.0025, split_slack 0.1, cuts 3, out of 2 on shuffles 1000 to 1009")
    assert "At an end of what was tried: gain." in text
    assert text.index("| 0.0025 | 0.1 | 3 | 0.900 |") < text.index("| 0.01 | 0.1 | 3 | 0.950 |")


def test_ways_beside_tools_are_told_by_their_last_points():
    curves = [
        {"set": "a", "method": "ARBAL", "points": [[[75, 0.3], [100, 0.1]], [[75, 0.3], [100, 0.2]]]},
        {"set": "a", "method": "tool", "points": [[[40, 0.4]], [[50, 0.4]]]},
        {"set": "b", "method": "ARBAL", "points": [[[75, 0.25]], [[75, 0.25]]]},
    ]
    text = active.beside_tools({"curves": curves})
    assert "| a | 15.0% (100) | 40.0% (45) |" in text
    assert "| b | 25.0% (75) |  |" in text

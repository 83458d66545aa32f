"""The table of campaigns, from records."""

import json

import campaigns
import pytest


@pytest.fixture
def folder(tmp_path):
    """Records of two campaigns, one of them with a measured network."""
    for name, eta in (("adai", 1.0), ("adam", 1e-4)):
        inertia = {"inertia": {"mean": 0.8126}} if name == "adai" else {}
        epochs = [{"train loss": 1.5, "test error": 0.5}, {"train loss": 1.25, "test error": 0.6, **inertia}]
        key = {"optimizer": name, "eta": eta, "device": "card", "model": "small", "data": "digits", "epochs": 2}
        key |= {"versions": {"torch": "9"}, "batch": 128, "precision": "float32"}
        ends = {"last": {"epoch": 2, "test error": 0.6}, "best": {"epoch": 1, "test error": 0.5}}
        result = {"parameters": 7, "images": {"train": 5, "test": 3}, "epochs": epochs, **ends}
        record = {"key": key, "result": result, "commit": "0123456789"}
        (tmp_path / f"campaign-digits-small-{name}-01234567.json").write_text(json.dumps(record))
    noise = {"value": [0.5], "low": [0.4], "high": [0.6]}
    seen = {"result": {"eigenvalues": [12.5, 3.0], "trace": 40.0, "trace error": 1.5, "noise over curvature": noise}}
    (tmp_path / "campaign-digits-small-adam-01234567.curvature.json").write_text(json.dumps(seen))
    return tmp_path


def test_every_record_is_a_row_with_its_measured_network(folder):
    adai, adam = [line for line in campaigns.shown(folder).split("\n") if line.startswith(("| adai", "| adam"))]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (adai, adam)]
    assert cells[0] == ["adai", "1", "60.00%", "50.00%", "1.25", *["not measured"] * 3, "0.813"]
    assert cells[1] == ["adam", "0.0001", "60.00%", "50.00%", "1.25", "12.5", "40 ± 1.5", "0.5 (0.4 … 0.6)", ""]


def test_the_figure_has_a_line_for_each_and_the_same_bytes_each_time(folder):
    figure = campaigns.figure(folder)
    assert figure == campaigns.figure(folder)
    assert all(name in figure for name in ("adai", "adam"))


def test_a_page_without_records_says_so(tmp_path):
    assert campaigns.shown(tmp_path) == campaigns.NONE


def test_verdicts_of_both_devices_stand_beside_each_other(tmp_path):
    cpu = {"rows": [{"id": "a", "real": "confirmed"}, {"id": "b", "real": "confirmed"}]}
    rows = [{"id": "a", "real": "refuted"}, {"id": "b", "real": "not measured"}]
    (tmp_path / "evidence").mkdir()
    (tmp_path / "board.json").write_text(json.dumps({"rows": rows, "commit": "ffffffffff", "tier": "quick"}))
    key = {"device": "card", "versions": {"torch": "9"}}
    (tmp_path / "evidence" / "a.json").write_text(json.dumps({"key": key, "commit": "0123456789"}))
    told = campaigns.beside(cpu, tmp_path)
    (row,) = [line for line in told.splitlines() if "`a`" in line]
    assert row.index("confirmed") < row.index("refuted")
    assert "`b`" not in told
    assert "card, torch 9, commit 0123456, quick tier; judged by the claims of commit fffffff" in told

"""A board on disk: shown, as a table, and not cut by the run of a part."""

import json
import subprocess
import sys

import pytest
from verifying import CONVENTIONS, run

from inertialab.experiments import store
from inertialab.verification import load_board


def test_a_partial_run_does_not_cut_a_board(tmp_path, capsys):
    assert run("--only", "momentum.drift-bound", "--out", tmp_path) == 0
    before = json.loads((tmp_path / "board.json").read_text())
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    rows = json.loads((tmp_path / "board.json").read_text())["rows"]
    assert [row["id"] for row in rows] == ["momentum.conventions", "momentum.drift-bound"]
    assert rows[1] == {"commit": before["commit"], **before["rows"][0]}
    assert run(*CONVENTIONS, "--out", tmp_path, "--seed", 1) == 2
    assert "its board cannot take these rows, it is of seed 0, this run of tier quick" in capsys.readouterr().err
    assert json.loads((tmp_path / "board.json").read_text())["rows"] == rows


def test_judging_a_part_does_not_cut_the_board_of_another_run(tmp_path, capsys):
    assert run("--only", "momentum.drift-bound", "--out", tmp_path) == 0
    before = (tmp_path / "board.json").read_text()
    assert run("run", *CONVENTIONS, "--out", tmp_path / "other", "--seed", 1) == 0
    (tmp_path / "other" / "evidence" / "convention-rate.json").rename(tmp_path / "evidence" / "convention-rate.json")
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
    assert "its board cannot take these rows, it is of seed 0, this run of" in capsys.readouterr().err
    assert (tmp_path / "board.json").read_text() == before


def test_a_partial_run_keeps_what_was_said_of_the_rows_it_keeps(tmp_path):
    assert run("--only", "momentum.drift-bound", "--out", tmp_path) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    board |= {"absent": {"ema-spread": "not here"}, "stale": {"cold-start": "old", "ema-growth": "old"}}
    board["rows"][0]["stale"] = ["cold-start"]
    store.write_json(tmp_path / "board.json", board)
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    after = json.loads((tmp_path / "board.json").read_text())
    assert after["absent"] == {"ema-spread": "not here"}
    assert after["stale"] == {"cold-start": "old"}


@pytest.mark.parametrize("content", ["[]", "{", '{"rows": [{"id": "momentum.drift-bound"}]}', '{"rows": 3}'])
def test_a_board_of_an_earlier_version_is_refused_and_not_cut(content, tmp_path, capsys):
    (tmp_path / "board.json").write_text(content)
    for arguments in (["board"], ["run", *CONVENTIONS], CONVENTIONS):
        assert run(*arguments, "--out", tmp_path) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (tmp_path / "board.json").read_text() == content


def test_a_reader_that_has_seen_enough_is_no_failure_of_the_machine(tmp_path):
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    command = [sys.executable, "-m", "inertialab.verification", "board", "--format", "csv", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writing:
        writing.stdout.close()
        assert writing.stderr.read() == ""
    assert writing.returncode == 141


def test_a_part_of_a_board_is_asked_for_by_itself_whether_it_is_current(tmp_path):
    assert run("--only", "momentum.drift-bound", "--out", tmp_path) == 0
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    assert run("board", *CONVENTIONS, "--current", "--out", tmp_path) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    board["rows"][0]["checks"][0]["margin"] *= 2
    (tmp_path / "board.json").write_text(json.dumps(board))
    assert run("board", *CONVENTIONS, "--current", "--out", tmp_path) == 2
    assert run("board", "--only", "momentum.drift-bound", "--current", "--out", tmp_path) == 0


@pytest.mark.parametrize("format", ["json", "csv", "parquet"])
def test_a_board_is_also_a_table(format, tmp_path, capfdbinary):
    import io

    import pandas

    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    capfdbinary.readouterr()
    assert run("board", "--out", tmp_path, "--format", format) == 0
    out = capfdbinary.readouterr().out
    if format == "json":
        assert json.loads(out) == json.loads((tmp_path / "board.json").read_text())
        return
    table = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}[format](io.BytesIO(out))
    assert len(table) == 8
    assert json.loads(table["point"][0]) == load_board(tmp_path)["point"][0]
    assert set(table["claim"]) == {"momentum.conventions"}
    expected = load_board(tmp_path)
    assert table["measured"].tolist() == expected["measured"].tolist()


def test_a_board_that_is_not_there_is_refused(tmp_path, capsys):
    assert run("board", "--out", tmp_path) == 2
    assert "There is no verdict board" in capsys.readouterr().err


def test_the_board_fits_a_hundred_columns_with_its_words_whole(tmp_path, capsys):
    assert run("--only", "*.drift-bound", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)
    assert any("Leaving a saddle" in line for line in lines)

"""What changed between two boards."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from inertialab.verification.__main__ import main
from inertialab.verification.court.board import COLUMNS, BoardError
from inertialab.verification.court.changes import Change, changes, digest, read_digest

ROOT = Path(__file__).parents[2]


def row(id, **words):
    return {"id": id, **dict.fromkeys(COLUMNS, "not applicable"), "weak": [], **words}


def board(folder, *rows):
    folder.mkdir()
    (folder / "board.json").write_text(json.dumps({"commit": "c", "tier": "quick", "device": "cpu", "rows": rows}))
    return folder


@pytest.fixture
def two(tmp_path):
    old = board(tmp_path / "old", row("a", real="confirmed"), row("b", numerics="refuted"))
    return old, board(tmp_path / "new", row("a", real="confirmed", weak=["real"]), row("c", real="undecided"))


def test_verdicts_that_differ_come_and_go_are_told(two):
    found = changes(*(read_digest(path)["rows"] for path in two))
    assert Change("a", "real", "confirmed", "confirmed (weak)") in found
    assert Change("c", "real", None, "undecided") in found
    assert Change("b", "numerics", "refuted", None) in found
    assert [c.claim for c in found] == ["a"] + ["c"] * 4 + ["b"] * 4


def test_the_word_tells_and_says_by_its_code_whether_anything_differs(two, capsys):
    old, new = map(str, two)
    assert main(["compare", old, new, "--only", "a"]) == 1
    assert "a, real: confirmed -> confirmed (weak)" in capsys.readouterr().out
    assert main(["compare", old, old]) == 0
    assert main(["compare", old, new, "--only", "x"]) == 2
    assert main(["compare", old, "nowhere"]) == 2


def test_what_is_no_board_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"rows": [{"id": "a"}]}')
    with pytest.raises(BoardError, match="no verdicts"):
        read_digest(tmp_path / "x.json")


def test_every_kept_board_can_be_compared_and_differs_from_the_one_before():
    kept = [read_digest(file)["rows"] for file in sorted((ROOT / "results" / "history").glob("*.json"))]
    assert len(kept) > 5
    assert all(changes(old, new) for old, new in pairwise(kept))


def test_the_last_kept_board_is_a_board_of_this_layout():
    content = json.loads((ROOT / "results" / "board.json").read_text())
    last = read_digest(max((ROOT / "results" / "history").glob("*.json")))
    assert last.keys() == digest(content).keys()

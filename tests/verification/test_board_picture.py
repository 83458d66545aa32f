"""The board as a picture, and the README that shows it."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from inertialab.theory.claims import subject_of
from inertialab.verification.court.picture import picture

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def board():
    return json.loads((ROOT / "results" / "board.json").read_text(encoding="utf-8"))


def _columns(text):
    """Claim's id → (class, sign) of each of its cells."""
    found = {}
    for group in ElementTree.fromstring(text).iter(f"{SVG}g"):
        classes = [rect.get("class") for rect in group.iter(f"{SVG}rect")]
        signs = [sign.text for sign in group.iter(f"{SVG}text")]
        found[group.findtext(f"{SVG}title")] = list(zip(classes, signs, strict=True))
    return found


def test_the_committed_picture_is_that_of_the_committed_board(board):
    assert (ROOT / "results" / "board.svg").read_text(encoding="utf-8") == picture(board, subject_of)


def test_every_claim_has_a_cell_for_each_court_that_it_faces(board):
    columns = _columns(picture(board, subject_of))
    layers = ("derivation", "numerics", "simulation", "real")
    for row in board["rows"]:
        assert len(columns[row["id"]]) == sum(row[layer] != "not applicable" for layer in layers)


@pytest.mark.parametrize(
    ("changed", "cell"),
    [
        ({"numerics": "refuted"}, ("bad", "✗")),
        ({"numerics": "undecided"}, ("open", "?")),
        ({"numerics": "not measured"}, ("none", "·")),
        ({"weak": ["numerics"]}, ("open", "w")),
    ],
)
def test_a_verdict_has_its_colour_and_its_sign(board, changed, cell):
    row = next(row for row in board["rows"] if row["numerics"] == "confirmed")
    assert _columns(picture({"rows": [row]}, subject_of))[row["id"]][1] == ("good", "✓")
    assert _columns(picture({"rows": [{**row, **changed}]}, subject_of))[row["id"]][1] == cell


def test_findings_of_the_readme_are_refuted_on_the_board(board):
    """Each is a formula that failed in some court while what stands in its place held."""
    rows = {row["id"]: row for row in board["rows"]}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\(`([a-z-]+\.[a-z-]+)`\)\.\n", text[text.index("Five of its findings") :])
    assert len(named) == 5
    for id in named:
        courts = [rows[id][layer] for layer in ("derivation", "numerics", "simulation", "real")]
        assert {"contradicts", "refuted"} & set(courts), id
        instead = [check for check in rows[id]["checks"] if check["instead"]]
        assert instead, id
        assert all(check["verdict"] == "confirmed" for check in instead), id

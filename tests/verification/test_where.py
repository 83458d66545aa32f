"""Derived, judged, measured: found in one command."""

from pathlib import Path

import pytest

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS
from inertialab.theory.__main__ import main
from inertialab.verification import where
from inertialab.verification.docket import CHECKS, STUDIES
from inertialab.verification.where import ROOT, missing, places

EVERYTHING = [*(c.id for c in CLAIMS), *STUDIES, *OPTIMIZERS]


@pytest.mark.parametrize("id", EVERYTHING)
def test_every_place_is_a_line_that_is_there(id):
    found = places(id)
    assert found
    for place in found:
        text = (ROOT / place.file).read_text().splitlines()
        assert 0 <= place.line <= len(text)
        if place.role == "derived":
            assert any(f'"{id}"' in line for line in text[place.line - 1 : place.line + 3])
        if place.role == "row" and id in STUDIES:
            assert any(
                word in text[place.line - 1]
                for word in (
                    "Study(",
                    "_training(",
                    "_resting(",
                    "_motion(",
                    "_likened(",
                    "_wide(",
                    "_settled(",
                    "_left(",
                    "_counted(",
                    "_own(",
                    "_sampled(",
                    "_shuffled(",
                    "_paths(",
                    "_labels(",
                    "_speeds(",
                    "_at_rest(",
                    "_edges(",
                    "= tuple(",  # one for each of several
                    "SAMPLED = (",
                    "DENSITIES = [",
                )
            )


def test_a_claim_is_found_with_all_its_rows():
    found = places("levy.exit")
    assert [p.role for p in found].count("judged") == sum(c.claim == "levy.exit" for c in CHECKS) == 2
    assert {Path(p.file).name for p in found if p.role == "measured"} == {"jumps.py", "escape.py"}
    assert {p.file for p in found if p.role == "record"} >= {"results/evidence/stable-exit.json"}


def test_what_is_missing_is_said(capsys, monkeypatch):
    without = [c for c in CHECKS if (c.claim, c.layer) != ("momentum.turnover", "simulation")]
    assert not any("No row of the docket" in s for s in missing("momentum.turnover"))
    monkeypatch.setattr(where, "CHECKS", without)
    said = missing("momentum.turnover")
    assert "No row of the docket confronts it with simulation, which it calls for." in said
    assert main(["where", "momentum.turnover", "--missing"]) == 0
    assert "confronts it with simulation" in capsys.readouterr().out
    assert "No study of the docket runs it by name." in missing("amsgrad")


def test_a_name_that_is_not_there_is_one_sentence(capsys):
    assert main(["where", "sgd.stationary-varianc"]) == 2
    assert "Did you mean sgd.stationary-variance" in capsys.readouterr().err

"""Figures of claims: over which variable, with which rivals, shaded where the claim ends."""

import doctest
import json
import re
from pathlib import Path

import claim_page
import governing
import measured_figure
import numpy as np
import pytest

from inertialab.theory import claim

BOARD = Path(__file__).parents[2] / "results" / "board.json"
ROWS = {row["id"]: row for row in json.loads(BOARD.read_text())["rows"]}


def check(**point):
    return {"point": point, "predicted": point.get("predicted", 1.0)}


def test_a_figure_is_drawn_over_the_variable_that_governs():
    steps = [check(eta=0.1, h=h, B=8) for h in (1.0, 2.0, 3.0)]
    assert governing.governing(steps) == ("η h", pytest.approx([0.1, 0.2, 0.3]))
    assert governing.governing([check(beta=b, kappa=0.1) for b in (0.5, 0.8, 0.9)])[0] == "β"
    assert governing.governing([check(kappa=k, n=2) for k in (0.5, 0.8, 0.9)])[0] == "κ"
    name, where = governing.governing([*steps, check(eta=1.0) | {"in_regime": False}])
    assert (name, where[:3]) == ("η h", pytest.approx([0.1, 0.2, 0.3]))
    assert np.isnan(where[3])  # outside, and without the variable
    assert governing.governing([check(), check(eta=1.0)]) == (
        "predicted",
        [1.0, 1.0],
    )  # one point does not say it


def test_a_variable_that_most_points_have_goes_before_none():
    most = [check(eta=0.1, h=h) for h in (1.0, 2.0, 3.0)] + [check(predicted=2.0)]
    name, where = governing.governing(most)
    assert (name, np.isnan(where[3])) == ("η h", True)
    assert governing.governing([*most, *[check(predicted=2.0)] * 3])[0] == "predicted"  # of fewer than a half
    assert governing.governing([check(C=c) for c in (1.0, 2.0)])[0] == "C"  # two values, where nothing has three


def test_an_axis_is_shaded_where_the_conditions_on_its_variable_do_not_hold():
    ou = claim("sgd.stationary-variance-ou")  # ηh at most a twentieth
    ((start, end),) = governing.outside(ou, "η h", 0.01, 1.0, log=True)
    assert (start, end) == (pytest.approx(0.05, rel=0.02), 1.0)
    assert governing.outside(ou, "η h", 0.01, 0.04, log=False) == []
    assert governing.outside(ou, "C", 0.01, 1.0, log=False) == []  # no condition speaks of it
    ((start, end),) = governing.outside(claim("adam.batch-scaling"), "1 - β₂", 0.0, 0.1, log=False)
    assert (start, end) == (pytest.approx(0.05, abs=0.001), 0.1)
    assert "outside the regime" in measured_figure.figure(ROWS[ou.id])


def test_rivals_are_drawn_and_those_far_away_are_named():
    row = ROWS["sgd.stationary-variance"]
    near, far = ([{**c, "rivals": {"another": x * c["predicted"]}} for c in row["checks"]] for x in (0.99, 50.0))
    assert ">another</text>" in measured_figure.figure({**row, "checks": near})
    assert "beyond: 50)</text>" in measured_figure.figure({**row, "checks": far})
    assert "another" not in measured_figure.figure({**row, "checks": [{**c, "rivals": {}} for c in row["checks"]]})
    assert "what others say at the same points: another" in claim_page.measurements(
        claim("sgd.stationary-variance"), {**row, "checks": near}
    )


def test_marks_of_logarithmic_axes_are_plain_and_not_crowded():
    tried = doctest.testmod(measured_figure)
    assert tried.attempted > 0
    assert tried.failed == 0
    wide = measured_figure.figure(ROWS["momentum.saddle-msd-drift"])
    assert ">10⁻⁴</text>" in wide
    assert wide == measured_figure.figure(ROWS["momentum.saddle-msd-drift"])  # the same bytes again


def test_where_no_decade_is_crossed_marks_still_say_where_points_lie():
    spans = {id: sorted(abs(c["predicted"]) for c in row["checks"]) for id, row in ROWS.items() if row["checks"]}
    id, span = next((id, x) for id, x in spans.items() if x[0] > 0 and 1.2 < x[-1] / x[0] < 2)
    marks = [float(mark) for mark in re.findall(r">([0-9.]+)</text>", measured_figure.figure(ROWS[id]))]
    assert sum(span[0] <= mark <= span[-1] for mark in marks) >= 2


@pytest.mark.filterwarnings("error")
def test_a_law_that_says_zero_is_drawn_on_axes_that_have_a_zero():
    """On logarithmic ones matplotlib warns that nothing is left to draw."""
    laws = [ROWS[id] for id in ("noise.saddle-zero", "adashift.net-factor")]
    assert not any(check["predicted"] for row in laws for check in row["checks"])
    assert all(">0.0" in measured_figure.figure(row) for row in laws)

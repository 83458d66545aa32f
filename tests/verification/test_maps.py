"""Regime maps: laws over the groups that decide whether they hold."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inertialab.theory import claim
from inertialab.verification import __main__ as command
from inertialab.verification.docket.maps import MAPS
from inertialab.verification.mapping import in_words, table
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement


def saddle_map():
    (row,) = [row for row in MAPS if row.study.id == "map-momentum-saddle"]
    return row


def test_every_map_has_a_grid_of_its_axes_and_claims_that_there_are():
    assert len({row.study.id for row in MAPS}) == len(MAPS)
    for row in MAPS:
        assert all(claim(id) for id in row.claims)
        for axis in (row.across, row.up):
            assert list(axis.values) == sorted(set(axis.values))
        config = row.study.config
        size = len(row.across.values) * len(row.up.values)
        looks = config.get("times", [1])
        assert sum(len(point.get("growths", looks)) for point in config["points"]) == size


def test_a_cell_is_measured_over_predicted_at_its_own_groups():
    """One cell by hand: EMA momentum .5, T·eta·|h| = .4; and the published drift is far off nearly everywhere."""
    row, beta, eta, T = saddle_map(), 0.5, 0.02, 20
    found = row.study.run()
    made = np.array(table(row, "momentum.saddle-msd-continuous", found)["ratio"])
    (mine,) = [m for m in found.measurements if (m.point["beta"], m.point["T"]) == (beta, T)]
    matched = {"D": eta / 2, "M": eta / (1 - beta), "gamma": (1 - beta) / eta, "t": eta * T, "h": -1.0}
    predicted = claim("momentum.saddle-msd-continuous").predict(**matched, v0sq=(1 - beta) / (1 + beta))
    assert made[row.up.values.index(beta), row.across.values.index(0.4)] == pytest.approx(
        mine.estimate.value / float(predicted)
    )
    drift = np.array(table(row, "momentum.saddle-msd-drift", found)["ratio"])
    assert (np.abs(drift - 1) > 0.2).mean() > 0.5


def test_a_map_of_another_law_differs(monkeypatch):
    row = saddle_map()
    found = row.study.run()
    doubled = replace(found, measurements=tuple(replace(m, estimate=m.estimate.scaled(2)) for m in found.measurements))
    one, two = (np.array(table(row, row.claims[0], f)["ratio"]) for f in (found, doubled))
    assert np.allclose(two, 2 * one)


def test_a_number_too_many_or_too_few_is_an_error():
    row = saddle_map()
    with pytest.raises(ValueError, match="for a map of"):
        table(row, row.claims[0], Findings((Measurement("msd", {**conditions(row)}, Estimate(1.0)),)))


def conditions(row):
    return {**row.study.config["points"][0], "T": 10}


def test_words_tell_how_much_is_near_and_the_worst_inside():
    made = {"ratio": [[1.0, 1.04], [1.1, 3.0]], "inside": [[True, True], [True, False]]}
    assert in_words(made) == "2 of 4 within 5%, 3 of 4 within 20%; inside the regime at most 10.0%"
    assert in_words({**made, "inside": [[False] * 2] * 2}).endswith("no point in the regime")


def test_the_command_makes_tables_and_goes_on_from_its_records(tmp_path, capsys):
    arguments = ["maps", "--only", "momentum.saddle-msd-*", "--out", str(tmp_path), "--jobs", "1"]
    assert command.main(arguments) == 0
    tables = sorted((tmp_path / "maps").glob("*.json"))
    assert [t.stem for t in tables] == [
        "momentum-saddle--momentum.saddle-msd-continuous",
        "momentum-saddle--momentum.saddle-msd-drift",
    ]
    before = [t.read_bytes() for t in tables]
    assert "measured in" in capsys.readouterr().out
    assert command.main(arguments) == 0
    assert "measured in" not in capsys.readouterr().out
    assert [t.read_bytes() for t in tables] == before
    made = json.loads(before[0])
    assert {"commit", "seed", "device", "across", "up", "ratio", "inside"} <= made.keys()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--only", "noise.*"], "no map of such a claim"),
        (["--only", "nonsense"], "no claim matches"),
        (["--seed", "-1"], "--seed -1"),
        (["--jobs", "-2"], "--jobs -2"),
    ],
)
def test_wrong_input_is_a_sentence(more, sentence, tmp_path, capsys):
    assert command.main(["maps", "--out", str(tmp_path), *more]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1

"""Regime maps: laws over the groups that decide whether they hold."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inertialab.theory import CLAIMS, claim
from inertialab.verification import __main__ as command
from inertialab.verification.court.check import Check
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket import CHECKS
from inertialab.verification.docket.maps import MAPS
from inertialab.verification.docket.unmapped import NONE, ONE_GROUP
from inertialab.verification.mapping import in_words, table
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement
from inertialab.verification.where import ROOT

NAMELESS = "its regime does not name what must be small"
WIDER = "the map has curvatures, variances or frictions beyond those that the docket draws"
OVER = {
    "levy.exit": "its regime reaches to scales at which its note allows more than the docket does at smaller ones",
    "sgd.quasi-potential": NAMELESS,
    "sgd.escape-finite-step": NAMELESS,
    "sgd.escape-skewed": NAMELESS,
    "sgd.entropic-factor": NAMELESS,
    "sgd.entropic-riccati": NAMELESS,
    "momentum.saddle-msd-continuous": "exact for a diffusion; the map is of an optimizer that is matched with it",
    "langevin.eyring-kramers": WIDER,
    "har.mistuning": WIDER,
    "har.two-regions": WIDER,
    "momentum.turnover": WIDER,
}
"""Claims that cells inside the regime miss by more than the docket's margin, and why."""
ENDLESS = ("adai.escape-inertial",)
"""Claims whose regime has no end on their map, and that hold on all of it."""


def saddle_map():
    (row,) = [row for row in MAPS if row.study.id == "map-momentum-saddle"]
    return row


def test_every_map_has_a_grid_of_its_axes_and_claims_that_there_are():
    assert len({(row.study.id, row.quantity) for row in MAPS}) == len(MAPS)
    assert len({row.study.id for row in MAPS}) == len({id(row.study) for row in MAPS})
    for row in MAPS:
        assert all(claim(id) for id in row.claims)
        for axis in (row.across, row.up):
            assert list(axis.values) == sorted(set(axis.values))
        assert cells(row.study.config) == len(row.across.values) * len(row.up.values)


def cells(config):
    """How many numbers of a quantity a study gives."""
    if "models" in config:
        return sum(len(model["kinds"]) for model in config["models"])
    if "fields" in config:
        return len(config["fields"]) * len(config["rates"])
    looks = next((config[name] for name in ("times", "looks", "steepness") if name in config), [1])
    looks = [1] if isinstance(looks, int) else looks  # a number of looks that are averaged over
    pairs = 2 if any("ratio" in point and "turn" in point for point in config["points"]) else 1
    return pairs * sum(len(point.get("growths", looks)) for point in config["points"])


def test_every_claim_that_ends_somewhere_has_a_map_or_a_reason():
    ends = {c.id for c in CLAIMS if c.kind in ("asymptotic", "attributed")}
    drawn = {id for row in MAPS for id in row.claims}
    told = [*ONE_GROUP, *NONE]
    assert len(told) == len(set(told))
    assert not drawn & set(told)
    assert ends == (drawn & ends) | set(told)
    assert all(ONE_GROUP.values())
    assert all(NONE.values())


TABLES = sorted((ROOT / "results" / "maps").glob("*.json"))
MARGINS = {
    row.claim: row.margin
    for row in sorted(CHECKS, key=lambda row: row.margin)
    if isinstance(row, Check) and row.layer == "numerics" and row.expected is Verdict.CONFIRMED
}
"""Largest margin of a claim's rows of exact numerics."""


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_of_its_map_and_told_where_errors_blur_it(path):
    made = json.loads(path.read_text())
    (row,) = [row for row in MAPS if row.study.id == made["study"] and made["claim"] in row.claims]
    assert made["across"] == {"name": row.across.name, "values": list(row.across.values)}
    assert made["up"] == {"name": row.up.name, "values": list(row.up.values)}
    ratio, error = np.array(made["ratio"]), np.array(made["error"])
    assert np.isfinite(ratio).all()
    assert (error > 0).any() == (row.layer != "numerics")
    if row.layer == "simulation":
        assert (error < 0.015 * np.abs(ratio)).all()


READ = {path: json.loads(path.read_text()) for path in TABLES}
JUDGED = [path for path, made in READ.items() if made["layer"] == "numerics" and made["claim"] in MARGINS]


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.stem)
def test_exact_numerics_keep_the_margin_inside_a_regime_that_ends(path):
    """And a prefactor a fifth larger keeps it nowhere."""
    made = READ[path]
    ratio, inside = np.array(made["ratio"]), np.array(made["inside"])
    margin = MARGINS[made["claim"]]
    apart, wrong = np.abs(ratio - 1)[inside], np.abs(ratio / 1.2 - 1)[inside]
    assert inside.any()
    assert (wrong > margin).all()
    assert (apart > margin).any() == (made["claim"] in OVER)
    assert not inside.all() or made["claim"] in (*OVER, *ENDLESS)


def test_every_map_stands_among_the_tables():
    assert {path.stem for path in TABLES} == {
        f"{row.study.id.removeprefix('map-')}--{id}" for row in MAPS for id in row.claims
    }


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

"""The word har: tables, sentences for what cannot be done, records, pictures, and runs that go on."""

import json
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch

from inertialab.experiments import __main__ as command
from inertialab.experiments.har import arms, tables
from inertialab.experiments.har import command as har
from inertialab.experiments.har.options import Har

QUICK = ["--steps", "20", "--strengths", "1e-3", "1e-1", "--hidden", "6"]


def frame(rows=80, **columns):
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, rows)
    made = {"x": x, "z": rng.normal(size=rows), "site": np.where(x < 0, "north", "south"), "y": np.sin(3 * x)}
    return pandas.DataFrame({**made, **columns})


def written(tmp_path, table):
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    return path


def run(tmp_path, table, *more):
    path = written(tmp_path, table)
    arguments = ["har", "--data", str(path), "--target", "y", "--group", "site", *QUICK, "--out", str(tmp_path / "out")]
    return command.main([*arguments, *more])


def test_a_table_gives_a_record_a_picture_and_a_line_for_each_group(tmp_path, capsys):
    assert run(tmp_path, frame()) == 0
    told = capsys.readouterr().out
    assert "north: " in told
    assert "relative strength" in told
    (record,) = (tmp_path / "out").glob("har-table-*.json")
    found = json.loads(record.read_text())
    assert found["status"] == "complete"
    assert found["result"]["task"] == "regression"
    assert found["result"]["groups"] == ["north", "south"]
    assert found["result"]["inputs"] == 2
    (one,) = found["result"]["runs"]
    assert np.prod(one["strengths"]) == pytest.approx(1)
    assert set(one["held out"]) == {"uniform", "har"}
    assert record.with_suffix(".svg").read_text().startswith("<?xml")
    assert not list((tmp_path / "out").glob("*.part.pt"))
    assert not list((tmp_path / "out").glob("*.running.json"))
    before = record.stat().st_mtime_ns
    assert run(tmp_path, frame()) == 0
    assert record.stat().st_mtime_ns == before


def test_classes_and_groups_of_two_columns(tmp_path):
    table = frame(y=np.where(frame()["x"] + 0.3 * frame()["z"] > 0, "yes", "no"))
    table["shift"] = np.arange(len(table)) % 2
    path = written(tmp_path, table)
    where = ["--data", str(path), "--target", "y", "--group", "site", "shift", "--ignore", "z"]
    assert command.main(["har", *where, *QUICK, "--repeats", "2", "--out", str(tmp_path / "out")]) == 0
    (record,) = (tmp_path / "out").glob("har-table-*.json")
    result = json.loads(record.read_text())["result"]
    assert result["task"] == "classification"
    assert result["groups"] == ["north, 0", "north, 1", "south, 0", "south, 1"]
    assert len(result["runs"]) == 2
    assert result["runs"][0]["test"] != result["runs"][1]["test"]
    assert set(har.ratios(result)) == {"squared", "wrong"}


def hole(name, value=np.nan):
    table = frame()
    table[name] = table[name].astype(object)
    table.loc[5, name] = value
    return table


@pytest.mark.parametrize(
    ("table", "more", "sentence"),
    [
        (frame().drop(columns="y"), (), "there is no column 'y'; its columns are x, z, site"),
        (frame().drop(columns="site"), (), "there is no column 'site'"),
        (frame(), ("--ignore", "w"), "there is no column 'w'"),
        (hole("x"), (), "column 'x' holds '' in row 7, which is no finite number"),
        (hole("x", np.inf), (), "column 'x' holds 'inf' in row 7"),
        (hole("site"), (), "column 'site' is empty in row 7; fill it in or drop it"),
        (hole("y"), (), "column 'y' is empty in row 7"),
        (hole("y", "nan"), (), "column 'y' holds 'nan' in row 7"),
        (hole("y", "high"), (), "column 'y' holds 'high' in row 7"),
        (hole("x", "high"), (), "change it, drop the row, or leave the column out by --ignore"),
        (frame(site="north"), (), "All rows belong to one group, 'north'"),
        (frame(y="yes"), (), "has one class, 'yes'; there is nothing to predict"),
        (frame(y=1), (), "has one class"),
        (frame(y=0.5), (), "is 0.5 in every row; there is nothing to predict"),
        (frame(y=np.where(frame()["x"] > 0, "a", "b")), ("--task", "regression"), "take --task classification"),
        (frame(rows=9), (), "rows; it takes 8 to train and to test on"),
        (frame(), ("--ignore", "x", "z"), "no column is left that could be an input"),
        (frame(), ("--steps", "0"), "--steps: steps must be positive"),
        (frame(), ("--eta", "nan"), "--eta: eta must be positive"),
        (frame(), ("--strengths", "0"), "--strengths: give positive"),
        (frame(), ("--folds", "1"), "--folds: cross-fitting takes at least 2"),
        (frame(), ("--folds", "40"), "cross-fitting in 40 folds takes 80"),
        (frame(), ("--test", "1"), "--test: give a share"),
        (frame(), ("--seed", "-1"), "--seed: give a whole number"),
        (frame(), ("--group", "y"), "cannot be both target and group"),
        (frame().head(0), (), "it needs a header and rows below it"),
        (frame().rename(columns={"z": "x"}), (), "two columns have the name 'x'; give each one of its own"),
        (frame().rename(columns={"z": "y"}), (), "two columns have the name 'y'"),
        (frame().rename(columns={"z": ""}), (), "column 2 has no name; give it one, or leave it out by --ignore"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, capsys, table, more, sentence):
    assert run(tmp_path, table, *more) == 2
    told = capsys.readouterr().err.strip()
    assert sentence in told
    assert "\n" not in told
    assert not list((tmp_path / "out").glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "nowhere.csv", "--target", "y", "--group", "g"], "nowhere.csv: cannot be read as a CSV file"),
        (["--data", "nowhere.csv"], "name the column to predict by --target and the groups by --group"),
        (["--target", "y"], "speak of a table; give one by --data"),
        (["--ignore", "y"], "speak of a table; give one by --data"),
        (["--task", "regression"], "speak of a table; give one by --data"),
    ],
)
def test_options_that_do_not_fit_together_are_one_sentence(tmp_path, capsys, arguments, sentence):
    assert command.main(["har", *arguments, "--out", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x,site,y\n1,a,2\n1,2,3,4,5\n", "row 3 has 5 fields, the header 3"),
        ("x;site;y\n1;a;2\n", "its columns are x;site;y. Fields are separated by commas."),
        ("x,site,y\n" + "1,2,a,3\n" * 9, "row 2 has 4 fields, the header 3"),
        ("", "it needs a header and rows below it"),
    ],
)
def test_files_that_are_no_tables_are_one_sentence(tmp_path, capsys, text, sentence):
    (tmp_path / "odd.csv").write_text(text)
    where = ["--data", str(tmp_path / "odd.csv"), "--target", "y", "--group", "site", "--out", str(tmp_path / "out")]
    assert command.main(["har", *where]) == 2
    told = capsys.readouterr().err.strip()
    assert sentence in told
    assert "\n" not in told


def test_a_column_without_a_name_is_left_out_by_its_place(tmp_path):
    """As written by a data frame with its index."""
    frame().to_csv(tmp_path / "table.csv")
    where = ["--data", str(tmp_path / "table.csv"), "--target", "y", "--group", "site", "--out", str(tmp_path / "out")]
    assert command.main(["har", *where, *QUICK, "--ignore", "column 1"]) == 0
    (record,) = (tmp_path / "out").glob("har-table-*.json")
    assert json.loads(record.read_text())["result"]["inputs"] == 2


def test_words_and_truths_among_numbers():
    """Words among numbers are classes only if someone says so; true and false are numbers."""
    words = ("1", "2", "other") * 4
    table = tables.tabular.Table(None, ("y", "b"), (words, ("True", "false", "TRUE") * 4))
    target, outputs = tables._targets(table, Har(target="y", task="classification"))
    assert (outputs, target.tolist()) == (3, [0, 1, 2] * 4)
    assert table.numbers("b").tolist() == [1, 0, 1] * 4


def test_values_that_join_to_one_name_are_refused(tmp_path, capsys):
    where = frame()["x"] < 0
    table = frame(site=np.where(where, "a, b", "a"), shift=np.where(where, "c", "b, c"))
    assert run(tmp_path, table, "--group", "site", "shift") == 2
    assert "two groups would have the name 'a, b, c'" in capsys.readouterr().err


@pytest.mark.parametrize("names", [("$a_{$", "[/b] :cat:"), ("_under", "北京"), ("a\nb", "NA.")])
def test_groups_may_have_any_name(tmp_path, capsys, recwarn, names):
    assert run(tmp_path, frame(site=np.where(frame()["x"] < 0, *names)).rename(columns={"z": "NA"})) == 0
    told = capsys.readouterr().out
    assert all(f"{' '.join(name.split())}: " in told for name in names)
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


def test_numbers_of_any_size_are_standardised(tmp_path):
    for scale in (1e-300, 1.0, 1e307):
        found = tables._standardised(scale * np.array([1.0, 2.0, 3.0]))
        assert found == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert tables._standardised(np.full(3, 7.0)).tolist() == [0, 0, 0]


def test_a_choice_at_an_end_of_the_grid_is_told():
    curve = {"0.001": [1.0], "0.01": [1.0], "0.1": [1.0]}
    runs = [{"uniform": u, "factor": f, "held out": {"uniform": curve, "har": curve}} for u, f in ((0.1, 0.01),) * 2]
    (told,) = har.at_the_end({"runs": runs})
    assert told.startswith("One strength for all: the largest strength of the grid was chosen in 2 of 2 splits; ")


def test_the_other_arms_have_no_penalty_and_the_best_common_strength_for_all(tmp_path, monkeypatch):
    fit, train, given = har.har_fit, har.train, []
    monkeypatch.setattr(har, "har_fit", lambda *a, **k: replace(fit(*a, **k), uniform=0.125, factor=0.25))
    monkeypatch.setattr(har, "train", lambda *a: given.append(a[3]) or train(*a))
    assert run(tmp_path, frame()) == 0
    assert [strengths.unique().tolist() for strengths in given] == [[0.0], [0.125]]


def test_the_derivative_is_of_the_output_for_numbers_and_of_the_loss_for_classes():
    assert arms.recipe_of(Har(), tables.sensors(0)).of == "output"
    assert arms.recipe_of(Har(), tables.labels(0)).of == "loss"


def test_the_error_of_a_ratio_takes_what_both_arms_share_out():
    runs = [{"test": {"har": {"squared": [a]}, "uniform": {"squared": [b]}}} for a, b in ((1.0, 2.0), (3.0, 4.0))]
    ((ratio, error),) = har.ratios({"runs": runs})["squared"]
    assert (ratio, error) == pytest.approx((2 / 3, 1 / 9))


def test_a_file_is_read_once_for_all_repeats(tmp_path, monkeypatch):
    read, right = [], tables._read
    monkeypatch.setattr(tables, "_read", lambda *a: read.append(a) or right(*a))
    assert run(tmp_path, frame(), "--repeats", "2") == 0
    assert len(read) == 1


class Stopped(BaseException):
    """Like an interruption."""


def test_a_run_that_was_stopped_goes_on_and_gives_the_same_numbers(tmp_path, monkeypatch):
    arguments = ["har", *QUICK]
    assert command.main([*arguments, "--out", str(tmp_path / "whole")]) == 0
    trained, right = [], har.Kept.__setitem__

    def stopping(self, name, value):
        right(self, name, value)
        trained.append(name)
        if len(trained) == 3:
            raise Stopped

    monkeypatch.setattr(har.Kept, "__setitem__", stopping)
    with pytest.raises(Stopped):
        command.main([*arguments, "--out", str(tmp_path / "stopped")])
    assert list((tmp_path / "stopped").glob("*.part.pt"))
    assert command.main([*arguments, "--out", str(tmp_path / "stopped")]) == 0
    assert len(trained) == len(set(trained)) == 8
    one, other = (json.loads(next((tmp_path / name).glob("har-*.json")).read_text()) for name in ("whole", "stopped"))
    assert one["result"] == other["result"]


def test_demonstrations_know_the_truth():
    table = tables.sensors(0)
    assert table.clean is not None
    spread = [float((table.y - table.clean)[table.groups == k].var()) for k in (0, 1)]
    assert spread[1] / spread[0] == pytest.approx(100, rel=0.3)
    digits = tables.labels(0)
    wrong = (digits.y != digits.clean).double()
    assert wrong[digits.groups == 0].mean() == pytest.approx(tables.FLIPPED, abs=0.06)
    assert wrong[digits.groups != 0].max() == 0
    counts = torch.bincount(digits.groups)
    assert counts[1] < counts[2] / 6
    assert torch.equal(digits.y[digits.groups == 0] // 2, digits.clean[digits.groups == 0] // 2)


def test_the_demonstration_regularises_the_noisy_sensor_more(tmp_path):
    options = ["har", "--steps", "250", "--hidden", "20", "--strengths", "1e-2", "--out", str(tmp_path)]
    assert command.main(options) == 0
    (record,) = tmp_path.glob("har-regression-*.json")
    result = json.loads(record.read_text())["result"]
    (one,) = result["runs"]
    assert one["noise"][1] > 20 * one["noise"][0]
    assert one["strengths"][1] > 3 * one["strengths"][0]
    assert har.ratios(result)["about the truth"][0][0] < 0.9
    assert Har().demo == "regression"

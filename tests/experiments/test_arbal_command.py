"""The word arbal: tables that are wrong, records, pictures, and a person who answers, stops and goes on."""

import csv
import io
import json

import numpy as np
import pytest
from rich.console import Console

from inertialab.experiments import __main__ as command
from inertialab.experiments.arbal import curve, grouped, person, sets
from inertialab.experiments.arbal.command import beside, interval
from inertialab.experiments.arbal.options import Arbal
from inertialab.experiments.data import DATA_VARIABLE, DataMissingError
from inertialab.experiments.errors import WrongInputError


@pytest.fixture
def table(tmp_path):
    """A table of 300 rows: width, height, class."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    words = np.where(X[:, 0] > 0, "forged", "plain")
    lines = [f"{a:.4f},{b:.4f},{word}" for (a, b), word in zip(X, words, strict=True)]
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(["width,height,kind", *lines]) + "\n")
    return path


@pytest.fixture
def sites(table):
    """The same, and a site: at the second one every label is drawn by lot, and one row in three is of it."""
    rng, lines = np.random.default_rng(1), table.read_text().splitlines()
    rows = [f"{line},near" for line in lines[1:]]
    for i in range(0, 300, 3):
        width, height, _ = lines[1 + i].split(",")
        rows[i] = f"{width},{height},{rng.choice(['forged', 'plain'])},far"
    path = table.with_name("sites.csv")
    path.write_text("\n".join(["width,height,kind,site", *rows]) + "\n")
    return path


def test_errors_and_labels_are_told_by_group(sites, tmp_path, capsys):
    arguments = ["arbal", "--data", str(sites), "--target", "kind", "--group", "site", "--shuffles", "2"]
    assert command.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    result = json.loads((tmp_path / "out" / "sites.json").read_text())["result"]
    told = result["by_group"]
    assert (told["column"], told["groups"], result["features"]) == ("site", ["far", "near"], 2)
    for found in told["errors"].values():
        far, near = np.mean(found, axis=(0, 1))
        assert far > 0.3
        assert near < 0.15
    labels = [end["labels"] for end in result["ends"] if end["method"] == "ARBAL"]
    assert np.sum(told["labels"]["ARBAL"], axis=1).tolist() == labels
    groups, (data, _) = grouped.from_file(sites, "site"), sets.from_file(sites, "kind", (), "site")
    assert told["streamed"] == [np.bincount(groups.codes[sets.shuffled(*data, i).rows]).tolist() for i in range(2)]
    assert (np.array(told["labels"]["ARBAL"]) <= told["streamed"]).all()
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("by site", "asked", "far", "near"))
    assert "near" in (tmp_path / "out" / "sites.svg").read_text()


def test_groups_share_the_error_of_all_rows(sites):
    """The mean of the groups' errors, by their rows held out, is the error of the same model on all of them."""
    (X, y), _ = sets.from_file(sites, "kind", (), "site")
    groups, stream = grouped.from_file(sites, "site"), sets.shuffled(X, y, 0)
    score = grouped.Tally(groups, stream)
    found = curve.of_rows(stream, [75, 100], score)
    shares = np.bincount(groups.codes[stream.rows_test]) / len(stream.rows_test)
    assert np.array(score.curve([75, 100])) @ shares == pytest.approx(found)
    assert np.array_equal(y[stream.rows], stream.y)
    assert np.array_equal(y[stream.rows_test], stream.y_test)


@pytest.mark.parametrize(
    ("line", "text", "arguments", "sentence"),
    [
        (0, None, ["--group", "sites"], "there is no column 'sites'; its columns are width, height, kind, site"),
        (0, None, ["--group", "kind"], "--group: 'kind' is the target; name another column"),
        (0, None, ["--group", "site", "--columns", "site"], "'site' is the group and cannot be a feature"),
        (3, "0.0,1.0,plain,", ["--group", "site"], "column 'site' is empty in row 4"),
        (3, "nan,1.0,plain,far", ["--group", "site"], "column 'width' holds 'nan' in row 4, which is no finite number"),
        (3, "0.0,1.0,plain,odd", ["--group", "site"], "of 'odd' there are 1 rows, of which a shuffle holds out 0"),
        (0, None, ["--group", "site", "--ask"], "--group tells errors apart, and with --ask there are none"),
    ],
)
def test_a_wrong_group_is_a_sentence(sites, tmp_path, capsys, line, text, arguments, sentence):
    if text:
        changed(sites, line, text)
    whole = ["arbal", "--data", str(sites), "--target", "kind", *arguments, "--out", str(tmp_path / "out")]
    assert command.main(whole) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_one_group_and_no_table_are_sentences(sites, tmp_path, capsys):
    sites.write_text(sites.read_text().replace(",far", ",near"))
    whole = ["arbal", "--data", str(sites), "--target", "kind", "--group", "site", "--out", str(tmp_path / "out")]
    assert command.main(whole) == 2
    assert "--group site: it holds 'near' in every row; leave it out" in capsys.readouterr().err
    assert command.main(["arbal", "--group", "site", "--out", str(tmp_path / "out")]) == 2
    assert "--target, --columns and --group speak of a table" in capsys.readouterr().err


def changed(path, line, text):
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines) + "\n")


def test_a_table_gives_a_record_and_a_picture_and_is_not_run_twice(table, tmp_path, capsys, monkeypatch):
    arguments = ["arbal", "--data", str(table), "--target", "kind", "--shuffles", "2", "--out", str(tmp_path / "out")]
    assert command.main(arguments) == 0
    record = json.loads((tmp_path / "out" / "notes.json").read_text())
    result = record["result"]
    assert result["rows"] == 300
    assert result["budgets"] == [75, 100]
    assert set(result["errors"]) == {"ARBAL", "IWAL", "margin", "every row", "forest, every row"}
    assert all(np.shape(found) == (2, 2) for found in result["errors"].values())
    assert np.max(result["errors"]["ARBAL"]) < 0.1
    assert (tmp_path / "out" / "notes.svg").read_text().startswith("<?xml")
    assert "points beside IWAL" in capsys.readouterr().out
    monkeypatch.setattr(curve, "of_model", None)
    assert command.main(arguments) == 0


@pytest.mark.parametrize(
    ("change", "arguments", "sentence"),
    [
        (None, [], "--data needs --target"),
        (None, ["--target", "kinds"], "there is no column 'kinds'; its columns are width, height, kind"),
        (None, ["--target", "kind", "--columns", "kind"], "'kind' is the target and cannot be a feature"),
        ((3, "nan,1.0,plain"), ["--target", "kind"], "column 'width' holds 'nan' in row 4, which is no finite number"),
        ((3, ",1.0,plain"), ["--target", "kind"], "column 'width' holds '' in row 4"),
        ((3, "0.0,1.0,"), ["--target", "kind"], "column 'kind' is empty in row 4"),
        ((3, "0.0,1.0,other"), ["--target", "kind"], "it must hold two classes, and holds 3 (forged, other, plain)"),
        ((3, "0.0,plain"), ["--target", "kind"], "row 4 has 2 fields, the header 3"),
        ((0, "width,width,kind"), ["--target", "kind"], "two columns have the name 'width'"),
        (None, ["--target", "kind", "--gain", "2"], "--gain: give a number above 0 and below 1"),
        (None, ["--target", "kind", "--classes", "a", "b"], "--classes: give the two classes, and --ask"),
    ],
)
def test_a_wrong_table_or_option_is_a_sentence(table, tmp_path, capsys, change, arguments, sentence):
    if change:
        changed(table, *change)
    assert command.main(["arbal", "--data", str(table), *arguments, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_one_class_and_too_few_rows_are_sentences(table, tmp_path, capsys):
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:150]) + "\n")
    assert command.main(["arbal", "--data", str(table), "--target", "kind", "--out", str(tmp_path)]) == 2
    assert "149 rows; half of at least 200 are streamed" in capsys.readouterr().err
    table.write_text("\n".join([lines[0], *(line for line in lines if line.endswith("plain"))]) + "\n")
    assert command.main(["arbal", "--data", str(table), "--target", "kind", "--out", str(tmp_path)]) == 2
    assert "must hold two classes, and holds 1 (plain)" in capsys.readouterr().err
    assert command.main(["arbal", "--data", str(tmp_path / "no.csv"), "--target", "k", "--out", str(tmp_path)]) == 2
    assert "cannot be read as a CSV file (No such file or directory)" in capsys.readouterr().err


def test_a_set_without_its_file_says_where_to_put_it(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(DataMissingError, match=r"avila\.csv is not in the data folder"):
        sets.SETS["avila"].read()


@pytest.mark.parametrize("name", sets.SETS)
def test_every_set_is_of_two_classes_that_are_both_frequent(name):
    try:
        X, y = sets.SETS[name].read()
    except DataMissingError:
        pytest.skip("INERTIALAB_DATA is not set")
    assert np.isfinite(X).all()
    assert set(y.tolist()) == {0, 1}
    assert 0.1 < y.mean() < 0.9
    stream = sets.shuffled(X, y, 3)
    assert stream.X.shape[1] <= sets.COMPONENTS
    assert np.abs(stream.X).max() <= sets.FAR
    assert len(stream.y) == min(len(y) // 2, 4000)


def answering(monkeypatch, answers):
    """A person who gives these answers, and then leaves; returns what was shown."""
    words = iter(answers)
    shown = Console(file=io.StringIO(), width=200)

    def said(prompt=""):
        try:
            return next(words)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(shown, "input", said)
    return shown


def test_a_person_answers_stops_and_goes_on(table, tmp_path, monkeypatch):
    options = Arbal(data=table, target="kind", ask=True, out=tmp_path / "out")
    with table.open() as file:
        truth = [row["kind"] for row in csv.DictReader(file)]
    (tmp_path / "out").mkdir()
    first = answering(monkeypatch, [*truth[:55], "q"])
    assert person.asked(options, first) == 0
    assert "row 1 of 300 (asked with chance 1.00): width=" in first.file.getvalue()
    second = answering(monkeypatch, ["a third one", *truth[55:60]])
    assert person.asked(options, second) == 0
    told = second.file.getvalue()
    assert "labels so far; going on with row" in told
    assert "two classes apart, 'forged' and 'plain'; got 'a third one' as well" in told
    with (tmp_path / "out" / "notes.predictions.csv").open() as file:
        predicted = [row["class"] for row in csv.DictReader(file)]
    assert np.mean(np.array(predicted) == truth) > 0.9


def test_other_settings_are_another_inquiry(table, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    for regions, told in ((10, "row 1 of 300"), (10, "going on with row 4"), (1, "row 1 of 300")):
        options = Arbal(data=table, target="kind", ask=True, regions=regions, out=tmp_path / "out")
        shown = answering(monkeypatch, ["forged", "plain", "plain"])
        with pytest.raises(WrongInputError, match="No predictions yet"):
            person.asked(options, shown)
        assert told in shown.file.getvalue()
        assert regions > 1 or "going on" not in shown.file.getvalue()


def test_a_person_who_stops_at_once_gets_no_predictions(table, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("plain\nplain\n"))
    assert command.main(["arbal", "--ask", "--data", str(table), "--target", "kind", "--out", str(tmp_path)]) == 2
    assert "No predictions yet: There are 2 labels so far" in capsys.readouterr().err


def test_means_come_with_intervals_over_shuffles():
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    result = {"budgets": [75], "errors": {"ARBAL": [[0.1], [0.2]], "IWAL": [[0.2], [0.3]]}}
    assert beside(result, 75) == pytest.approx((-10.0, 0.0), abs=1e-9)

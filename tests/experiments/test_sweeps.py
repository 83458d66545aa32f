"""Sweeps: the points of a file, a record each, one table; whatever is damaged is named and measured again."""

import io
import json
import time

import chores
import numpy as np
import pandas
import pytest
from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.__main__ import main
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps import targets
from inertialab.experiments.sweeps.plan import read_plan
from inertialab.experiments.sweeps.table import ABOUT, about_table, table_of, write_table
from inertialab.experiments.sweeps.targets import TARGETS, Target

CHORE = Target(f"{chores.__name__}:measures", "inertialab.experiments.store", dict)
SIX = 'target = "chore"\n[grid]\nx = [1, 2, 3]\ny = {low = 1, high = 100, points = 2, log = true}\n'


@pytest.fixture(autouse=True)
def a_cheap_target(monkeypatch):
    monkeypatch.setitem(targets.TARGETS, "chore", CHORE)


def points(tmp_path, text):
    file = tmp_path / "plan.toml"
    file.write_text(text)
    return [{k: v for k, v in p.items() if k != "seed"} for p in read_plan(file).points]


def sweep(folder, text, *words, jobs="1"):
    file = folder / "six.toml"
    file.write_text(text)
    return main(["sweep", *words, str(file), "--jobs", jobs, "--out", str(folder)])


def records(folder):
    return sorted((folder / "six" / "points").rglob("*.json"))


def results(folder):
    return {f.stem: json.loads(f.read_text())["result"] for f in records(folder)}


def test_a_grid_is_every_combination_and_lists_go_together(tmp_path):
    found = points(tmp_path, 'target = "t"\n[fixed]\nz = 9\n[grid]\nx = [1, 2]\n[list]\na = [1, 2]\nb = ["u", "v"]\n')
    assert found == [{"z": 9, "x": x, "a": a, "b": b} for x in (1, 2) for a, b in ((1, "u"), (2, "v"))]
    spaced = points(tmp_path, 'target = "t"\n[grid]\nx = {low = 1, high = 100, points = 3, log = true}\n')
    assert [p["x"] for p in spaced] == pytest.approx([1, 10, 100])


def test_draws_follow_from_the_seed_and_no_axis_changes_another(tmp_path):
    one = 'target = "t"\nseed = 3\n[random]\ndraws = 2000\nx = {low = 0.01, high = 1, log = true}\n'
    x = [p["x"] for p in points(tmp_path, one)]
    both = points(tmp_path, one + 'word = ["a", "b"]\n')
    assert [p["x"] for p in both] == x
    assert [p["x"] for p in points(tmp_path, one.replace("seed = 3", "seed = 4"))] != x
    assert 0.01 <= min(x) < max(x) <= 1
    # log x is uniform: its mean is -ln 10 with a standard error of ln(100)/sqrt(12)/sqrt(2000).
    assert np.mean(np.log(x)) == pytest.approx(-np.log(10), abs=5 * np.log(100) / np.sqrt(12 * 2000))
    assert {p["word"] for p in both} == {"a", "b"}


def test_every_point_has_a_seed_of_its_own_that_no_other_point_changes(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text('target = "t"\n[grid]\nx = [1, 2, 3]\n')
    three = {p["x"]: p["seed"] for p in read_plan(file).points}
    file.write_text('target = "t"\n[grid]\nx = [3]\n')
    assert len(set(three.values())) == 3
    assert read_plan(file).points[0]["seed"] == three[3]
    file.write_text('target = "t"\n[fixed]\nseed = 7\n[grid]\nx = [3, 3]\n')
    assert [p["seed"] for p in read_plan(file).points] == [7]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("target = ", "it cannot be read as TOML"),
        ("x = 1", "there is no 'x' in a sweep"),
        ("[grid]\nx = [1]", "target must name what is measured"),
        ('target = "chore"\nseed = -1', "seed must be a whole number >= 0"),
        ('target = "chore"\n[gird]\nx = [1]', "Did you mean grid"),
        ('target = "chore"\ngrid = 3', "[grid] must be a table"),
        ('target = "chore"\n[grid]\nx = 3', "give a list of values"),
        ('target = "chore"\n[grid]\nx = []', "give a list of values"),
        ('target = "chore"\n[grid]\nx = {low = 2, high = 1, points = 2}', "low <= high"),
        ('target = "chore"\n[grid]\nx = {low = 0, high = 1, points = 2, log = true}', "low > 0 for log"),
        ('target = "chore"\n[grid]\nx = {low = 0, high = 1}', "points must be a whole number"),
        ('target = "chore"\n[grid]\nx = {low = 0, hihg = 1, points = 2}', "a range is {low = NUMBER"),
        ('target = "chore"\n[list]\nx = [1]\ny = [1, 2]', "lists of one length, got x 1, y 2"),
        ('target = "chore"\n[random]\nx = [1]', "draws must be a whole number"),
        ('target = "chore"\n[fixed]\nx = 1\n[grid]\nx = [1]', "x is given twice"),
        ('target = "chore"\n[fixed]\nx = nan', "a number that is not finite"),
        ('target = "chore"\n[fixed]\nx = 1979-05-27', "a value is a date"),
        (
            'target = "chore"\n' + "[grid]\n" + "\n".join(f"x{i} = {[*range(100)]}" for i in range(4)),
            "at most 1,000,000",
        ),
        ('target = "escap"', "Did you mean escape?"),
        ('target = "escape"\n[fixed]\nbarier = 3', "Did you mean barrier"),
        ('target = "escape"\n[fixed]\nbarrier = "high"', "barrier must be float, got 'high'"),
        ('target = "escape"\n[fixed]\nbarrier = 3\nmethod = "guess"', "method must be 'count' or 'flux'"),
        ('target = "escape"\n[fixed]\nbarrier = -3', "barrier must be positive"),
        ('target = "escape"\n[fixed]\nbarrier = 3\nout = "x"', "there is no parameter 'out'"),
        ('target = "train"\n[fixed]\nepochs = 3', "data must be given"),
    ],
)
def test_a_file_that_is_wrong_is_one_sentence(text, sentence, tmp_path, capsys):
    assert sweep(tmp_path, text) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.strip().splitlines()) == 1
    assert "six.toml: " in told
    assert not (tmp_path / "six").exists()


@pytest.mark.parametrize("words", [["statsu"], ["status", "more"]])
def test_words_that_are_none_are_refused(words, tmp_path, capsys):
    assert sweep(tmp_path, SIX, *words) == 2
    assert "give [run|status|resume|collect] and one file" in capsys.readouterr().err


def test_every_point_is_measured_once_and_however_it_is_run_the_bits_are_the_same(tmp_path, capsys):
    for name, jobs in (("one", "1"), ("two", "2")):
        (tmp_path / name).mkdir()
        assert sweep(tmp_path / name, SIX, jobs=jobs) == 0
        assert len(records(tmp_path / name)) == 6
    assert results(tmp_path / "one") == results(tmp_path / "two")
    before = {f: f.stat().st_mtime_ns for f in records(tmp_path / "one")}
    assert sweep(tmp_path / "one", SIX, "resume") == 0
    assert {f: f.stat().st_mtime_ns for f in records(tmp_path / "one")} == before
    assert "6 of 6 points are taken from their records" in capsys.readouterr().out


def test_a_point_without_a_number_is_named_and_the_others_are_kept(tmp_path, capsys):
    text = SIX.replace("[1, 2, 3]", "[1, 5]")
    assert sweep(tmp_path, text) == 1
    told = capsys.readouterr()
    assert "2 of 4 failed" in told.err
    assert told.out.count("value is not a finite number at this point") == 2
    assert len(records(tmp_path)) == 2
    assert sweep(tmp_path, text, "status") == 0
    assert "2 of 4 points done, 2 failed." in capsys.readouterr().out
    assert sweep(tmp_path, text, "collect") == 0
    assert "2 of 4 points are in" in capsys.readouterr().out


def test_collecting_twice_gives_the_same_bytes_and_says_where_they_come_from(tmp_path):
    assert sweep(tmp_path, SIX) == 0
    assert sweep(tmp_path, SIX, "collect") == 0
    table = tmp_path / "six" / "six.parquet"
    first = table.read_bytes()
    assert sweep(tmp_path, SIX, "collect") == 0
    assert table.read_bytes() == first
    frame = pandas.read_parquet(table)
    assert sorted(zip(frame.x, frame.y, strict=True)) == [(x, y) for x in (1, 2, 3) for y in (1.0, 100.0)]
    stored = results(tmp_path)
    assert all(row["result.value"] == stored[row["key"]]["value"] for _, row in frame.iterrows())
    about = about_table(table)
    assert about["schema"] == 1
    assert (about["target"], about["rows"], about["points"]) == ("chore", 6, 6)
    assert about["versions"][0]["numpy"] == np.__version__


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_record_goes_into_quarantine_and_is_measured_again(damage, tmp_path, capsys):
    assert sweep(tmp_path, SIX) == 0
    whole, victim = results(tmp_path), records(tmp_path)[2]
    content = victim.read_bytes()
    place = content.index(b'"value": ') + 11
    changed = {
        "cut": content[: len(content) // 2],
        "flipped": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
        "empty": b"",
    }
    victim.write_bytes(changed[damage])
    assert sweep(tmp_path, SIX, "collect") == 0
    told = capsys.readouterr().out
    assert f"{victim.name} cannot be read; it is now" in told.replace("\n", "")
    assert "5 of 6 points are in" in told
    (kept,) = (tmp_path / "six" / "quarantine").iterdir()
    assert kept.read_bytes() == changed[damage]
    assert sweep(tmp_path, SIX, "resume") == 0
    assert results(tmp_path) == whole


def test_a_damaged_record_is_also_measured_again_without_collecting(tmp_path):
    assert sweep(tmp_path, SIX) == 0
    whole, victim = results(tmp_path), records(tmp_path)[0]
    victim.write_bytes(victim.read_bytes().replace(b'"value": ', b'"value": 1'))
    assert sweep(tmp_path, SIX) == 0
    assert results(tmp_path) == whole


def test_what_a_kill_between_record_and_end_leaves_is_cleared(tmp_path):
    assert sweep(tmp_path, SIX) == 0
    whole, victim = results(tmp_path), records(tmp_path)[0]
    victim.with_suffix(".running.json").write_text("{}")
    assert sweep(tmp_path, SIX) == 0
    assert not list((tmp_path / "six").rglob("*.running.json"))
    assert results(tmp_path) == whole


def test_records_of_other_points_are_left_alone(tmp_path):
    assert sweep(tmp_path, SIX) == 0
    assert sweep(tmp_path, SIX.replace("[1, 2, 3]", "[3, 4]")) == 0
    assert len(records(tmp_path)) == 8
    assert sweep(tmp_path, SIX.replace("[1, 2, 3]", "[3, 4]"), "collect") == 0
    assert len(pandas.read_parquet(tmp_path / "six" / "six.parquet")) == 4


def test_columns_of_odd_values_spoil_no_table(tmp_path):
    rows = [
        {"key": "a", "n": 1, "b": True, "l": [1, 2.5]},
        {"key": "b", "n": 2.5, "o": {"x": 1}},
        {"n": 2**80, "l": [3]},
    ]
    table = table_of(rows, {})
    assert table.column("n").to_pylist() == [1.0, 2.5, float(2**80)]
    assert table.column("b").to_pylist() == [True, None, None]
    assert table.column("l").to_pylist() == [[1.0, 2.5], None, [3.0]]
    assert table.column("o").to_pylist() == [None, '{"x": 1}', None]
    assert table_of([{"n": 2**80}, {"n": 1}], {}).column("n").to_pylist() == [str(2**80), "1"]


def test_a_table_of_another_schema_is_refused(tmp_path):
    write_table(
        tmp_path / "t.parquet", table_of([{"key": "a"}], {}).replace_schema_metadata({ABOUT: b'{"schema": 99}'})
    )
    with pytest.raises(ValueError, match="is of schema 99; this version reads up to 1"):
        about_table(tmp_path / "t.parquet")


def test_a_quarter_of_a_million_rows_are_queried_in_a_second(tmp_path):
    """The bar is a second; DuckDB reads the file itself, so the whole query is timed."""
    duckdb = pytest.importorskip("duckdb")
    rng = np.random.default_rng(0)
    values = rng.random((250_000, 2)).tolist()
    rows = [{"key": f"{i:016x}", "eta": a, "optimizer": "sgd", "result.steps": b} for i, (a, b) in enumerate(values)]
    write_table(tmp_path / "t.parquet", table_of(rows, {"target": "escape"}))
    query = f"select optimizer, count(*), avg(\"result.steps\") from '{tmp_path}/t.parquet' where eta < 0.5 group by 1"
    duckdb.sql("select 1").fetchall()
    began = time.perf_counter()
    ((_, count, mean),) = duckdb.sql(query).fetchall()
    assert time.perf_counter() - began < 1
    chosen = [b for a, b in values if a < 0.5]
    assert (count, mean) == (len(chosen), pytest.approx(np.mean(chosen)))


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_can_be_named_and_its_code_be_found(name):
    from importlib import import_module

    module, _, function = TARGETS[name].call.partition(":")
    assert callable(getattr(import_module(module), function))
    assert store.sources.location(TARGETS[name].code)


def test_the_experiments_themselves_are_swept(tmp_path):
    text = (
        'target = "escape"\n[fixed]\nparticles = 200\nsteps = 200\nlandscape = "double-well"\n'
        '[grid]\nbarrier = [2]\n[random]\ndraws = 1\noptimizer = ["sgd"]\n'
    )
    assert sweep(tmp_path, text) == 0
    (result,) = results(tmp_path).values()
    assert result["events"] > 0
    assert [f.suffix for f in (tmp_path / "six" / "points").rglob("*") if f.is_file()] == [".json"]


def test_a_training_is_swept_and_goes_on_from_its_last_epoch(tmp_path, monkeypatch):
    from inertialab.experiments.campaign.training import Training

    text = (
        'target = "train"\n[fixed]\ndata = "digits"\nmodel = "small"\nepochs = 3\nfraction = 0.1\n'
        '[grid]\noptimizer = ["adai"]\n'
    )
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    assert sweep(tmp_path / "whole", text) == 0
    epoch = Training.epoch

    def ends_early(self, tick):
        if len(self.history) == 2:
            raise KeyboardInterrupt
        epoch(self, tick)

    monkeypatch.setattr(Training, "epoch", ends_early)
    assert sweep(tmp_path / "broken", text) == 130
    monkeypatch.setattr(Training, "epoch", epoch)
    assert sweep(tmp_path / "broken", text) == 0
    assert results(tmp_path / "broken") == results(tmp_path / "whole")


def test_a_study_is_not_swept_by_settings_that_it_does_not_have(tmp_path):
    from inertialab.verification.sweeping import find_target, from_docket

    with pytest.raises(WrongInputError, match="has no setting 'particlse'"):
        find_target("sgd-lyapunov").checked({"particlse": 3})
    with pytest.raises(WrongInputError, match="has no list of it on the docket"):
        from_docket("sgd-lyapunov", "optimizer", "docket")
    assert len(from_docket("sgd-lyapunov", "points", "docket")) > 1


def test_a_study_is_swept_by_its_name(tmp_path):
    from inertialab.verification.__main__ import main as verification

    file = tmp_path / "study.toml"
    file.write_text('target = "sgd-lyapunov"\n[grid]\npoints = "docket"\n')
    for words in ([], ["collect"]):
        assert verification(["sweep", *words, str(file), "--jobs", "1", "--out", str(tmp_path)]) == 0
    frame = pandas.read_parquet(tmp_path / "study" / "study.parquet")
    from inertialab.verification import study

    numbers = sorted(m.estimate.value for m in study("sgd-lyapunov").run().measurements)
    assert sorted(frame["result.variance.value"]) == numbers


def test_progress_goes_to_a_console_of_any_kind(tmp_path):
    from inertialab.experiments.sweeps.command import carried_out
    from inertialab.experiments.sweeps.options import Sweep

    (tmp_path / "six.toml").write_text(SIX)
    out = Console(file=io.StringIO(), force_terminal=True, width=120)
    assert carried_out(Sweep((str(tmp_path / "six.toml"),), jobs=1, out=tmp_path), out) == 0
    assert "measuring" in out.file.getvalue()

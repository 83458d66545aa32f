"""Studies side by side: the same numbers as one by one, and nothing lost when the run ends early."""

import io
import json
import os
import sys
from importlib import import_module

import pytest
from interrupts import ended_as_a_group
from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.work.running import run
from inertialab.experiments.work.where import Where
from inertialab.verification import STUDIES, __main__, campaign
from inertialab.verification.docket.maps import MAPS

ABOUT = {"tier": "quick", "seed": 0, "device": "cpu"}
FEW = [STUDIES[id] for id in ("convention-rate", "cold-start", "ema-growth", "sgd-lyapunov")]


def console(terminal=False):
    return Console(file=io.StringIO(), width=100, force_terminal=terminal)


def results(folder):
    return {f.stem: json.loads(f.read_text())["result"] for f in folder.iterdir()}


def test_however_studies_are_run_the_bits_are_the_same(tmp_path):
    pytest.importorskip("distributed", reason="the extra inertialab[cluster] is not installed")
    places = {"1": Where(1), "2": Where(2), "cluster": Where(2, "local")}
    for name, where in places.items():
        out = console()
        run(campaign.tasks_for(FEW, **ABOUT, folder=tmp_path / name), where, out)
        lines = [line for line in out.file.getvalue().splitlines() if not line.startswith("Dashboard")]
        assert sorted(line.split()[0] for line in lines) == sorted(s.id for s in FEW)
        assert lines[-1].endswith("(4 of 4)")
    assert results(tmp_path / "1") == results(tmp_path / "2") == results(tmp_path / "cluster")
    assert set(results(tmp_path / "2")) == {s.id for s in FEW}


def test_every_study_can_be_named():
    """A worker gets a function's name and numbers, and finds the very function and configuration."""
    for study in (*STUDIES.values(), *(row.study for row in MAPS)):
        named = json.loads(json.dumps(campaign.named(study)))
        module, _, function = named["measure"].partition(":")
        assert getattr(import_module(module), function) is study.measure
        assert named["config"] == store.plain(study.config)


def test_what_has_a_record_is_no_task(tmp_path):
    tasks = campaign.tasks_for(FEW, **ABOUT, folder=tmp_path)
    assert len(tasks) == 4
    run(tasks[:1], Where(1), console())
    assert [t.name for t in campaign.tasks_for(FEW, **ABOUT, folder=tmp_path)] == [s.id for s in FEW[1:]]


def test_an_interrupted_run_ends_at_once_says_so_and_goes_on(tmp_path):
    command = [sys.executable, "-m", "inertialab.verification", "run", "--only", "sgd.s*", "--device", "cpu"]
    command += ["--jobs", "2", "--out", str(tmp_path)]
    environment = {k: v for k, v in os.environ.items() if k != "INERTIALAB_DATA"}
    ended_as_a_group(command, tmp_path, environment, 240)


def test_parts_are_all_of_the_studies_each_once_and_about_as_long(tmp_path):
    """Eight studies of known lengths: the longest part takes hardly more than its share, whatever was measured here."""
    studies, lengths = list(STUDIES.values())[:40], [float(1 + i * i % 37) for i in range(40)]
    for study, seconds in zip(studies, lengths, strict=True):
        (tmp_path / f"{study.id}.json").write_text(json.dumps({"wall_s": seconds}))
    time_of = dict(zip((study.id for study in studies), lengths, strict=True))
    for parts in (1, 2, 3, 7):
        dealt = [campaign.share_of(studies, part, parts, tmp_path) for part in range(1, parts + 1)]
        assert sorted(study.id for part in dealt for study in part) == sorted(time_of)
        loads = [sum(time_of[study.id] for study in part) for part in dealt]
        assert max(loads) - min(loads) <= max(lengths)
    assert campaign.share_of(studies, 1, 50, tmp_path)
    assert campaign.share_of(studies, 50, 50, tmp_path) == []


def test_parts_of_a_run_are_judged_together(tmp_path, capsys):
    """Two jobs of an array write into one folder; what one alone leaves is not judged as if it were all."""
    asked = ["--only", "adai.inertia-mean", "--out", str(tmp_path)]
    main = __main__.main
    for part in ("1/2", "2/2"):
        assert main(["run", "--shard", part, "--jobs", "1", *asked]) == 0
    assert main(["judge", *asked]) == 0
    whole = json.loads((tmp_path / "board.json").read_text())
    other = tmp_path / "whole"
    assert main(["--jobs", "1", "--only", "adai.inertia-mean", "--out", str(other)]) == 0
    assert [r["checks"] for r in whole["rows"]] == [
        r["checks"] for r in json.loads((other / "board.json").read_text())["rows"]
    ]
    capsys.readouterr()


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "-1/2", "1/0"])
def test_a_part_that_is_none_is_refused(shard, tmp_path, capsys):
    assert __main__.main(["run", f"--shard={shard}", "--out", str(tmp_path)]) == 2
    assert "give I/N with 1 <= I <= N" in capsys.readouterr().err


def test_a_part_is_not_judged_by_itself(tmp_path, capsys):
    assert __main__.main(["--shard", "1/2", "--out", str(tmp_path)]) == 2
    assert "a part cannot be judged" in capsys.readouterr().err

"""The settings that the evidence is shown with: chosen by a committed record on shuffles of which none is shown."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from inertialab.experiments.arbal import sets
from inertialab.experiments.arbal.options import Arbal

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))  # its modules are named without a package, as a run of one does
import arbal_settings  # noqa: E402


@pytest.fixture
def record():
    return json.loads(arbal_settings.RECORD.read_text())


def test_the_command_runs_with_the_settings_that_were_chosen(record):
    chosen = arbal_settings.chosen()
    assert {name: asdict(Arbal())[name] for name in chosen} == chosen
    assert chosen in [row["settings"] for row in record["result"]["candidates"]]


def test_the_chosen_candidate_has_the_least_score_by_the_errors_of_the_record(record):
    result = record["result"]
    names = record["key"]["sets"]

    def score(row):
        return np.prod([row["errors"][name] / result["iwal"]["errors"][name] for name in names]) ** (1 / len(names))

    for row in result["candidates"]:
        assert score(row) == pytest.approx(row["score"])
    assert min(result["candidates"], key=score)["settings"] == result["chosen"]


def test_no_shuffle_that_chose_is_shown(record):
    first, last = record["key"]["seeds"]
    options = Arbal()
    assert not set(range(first, last + 1)) & set(range(options.seed, options.seed + options.shuffles))
    for path in sorted((ROOT / "results" / "arbal").glob("*.json")):
        key = json.loads(path.read_text())["key"]
        if key["command"] == "arbal":
            assert first > key["seed"] + key["shuffles"]


def test_a_candidate_is_judged_once_it_has_its_labels(monkeypatch):
    """On a stream of which more is not looked at: an error would come of the rows beyond."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2))
    stream = sets.shuffled(X, (X[:, 0] > 0).astype(int), 0)
    monkeypatch.setattr(arbal_settings, "LABELS", 75)
    given = []
    labels = arbal_settings.ARBAL.n_labels_.fget
    monkeypatch.setattr(
        arbal_settings.ARBAL, "n_labels_", property(lambda self: given.append(labels(self)) or given[-1])
    )
    assert arbal_settings.error_of({"regions": 1}, stream, 0) < 0.1
    assert max(given) == 75


def test_without_a_record_one_is_told_how_to_make_it(tmp_path):
    with pytest.raises(SystemExit, match=r"python benchmarks/arbal_settings\.py"):
        arbal_settings.chosen(tmp_path / "no.json")

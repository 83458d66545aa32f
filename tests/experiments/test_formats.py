"""What is read from files: every older format, and nothing that could run code."""

import ast
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inertialab.experiments import sources, store

OLD = Path(__file__).parent / "old_records"
ROOTS = [Path(__file__).parents[2] / part for part in ("theory", "optim", "experiments", "verification")]
FILES = sorted(file for root in ROOTS for file in root.rglob("*.py"))
READS = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle"}
"""Modules that can run code when they read."""
CODEGEN = ("inertialab.experiments.codegen", "inertialab.experiments.particles", "inertialab.verification.measure.tape")
RUNS = {"eval": (), "exec": CODEGEN, "__import__": ()}
"""Calls that run text, and the modules whose texts are made from this package's own formulas."""


@pytest.mark.parametrize("schema", sorted(store.READERS))
def test_a_record_of_every_schema_is_read(schema, tmp_path):
    """Each was written by the version that introduced its schema; a new schema commits one here."""
    file = OLD / f"schema-{schema}.json"
    record = store.read_record(file)
    assert record
    assert (record["schema"], record["status"]) == (schema, "complete")
    assert record["result"] == {"value": 1.5, "list": [1, 2.25], "name": "η"}
    assert record["key"]["seed"] == 3


@pytest.mark.parametrize("schema", sorted(store.READERS))
def test_a_record_of_every_schema_is_taken_again(schema, tmp_path, monkeypatch):
    shutil.copy(OLD / f"schema-{schema}.json", path := tmp_path / "study.json")
    key = json.loads(path.read_text())["key"]
    monkeypatch.setattr(store, "versions", lambda: key["versions"])
    asked = {name: value for name, value in key.items() if name != "versions"}
    assert store.current(path, asked)
    assert not store.current(path, {**asked, "seed": 4})


def test_the_newest_schema_is_the_one_that_is_written(tmp_path):
    assert max(store.READERS) == store.SCHEMA
    written = store.record(tmp_path / "r.json", {"seed": 3}, lambda: {"value": 1.5}, {"docket": []})
    committed = json.loads((OLD / f"schema-{store.SCHEMA}.json").read_text())
    assert written.keys() == committed.keys()


@pytest.mark.parametrize("schema", [0, 3, -1, "2", 2.0, None, True, [2]])
def test_a_record_of_no_schema_is_not_read(schema, tmp_path):
    record = json.loads((OLD / "schema-2.json").read_text())
    store.write_json(tmp_path / "r.json", store.sealed({**record, "schema": schema}))
    assert store.read_record(tmp_path / "r.json") is None


@given(st.data())
def test_no_change_of_a_sealed_record_is_believed(data):
    """Cut anywhere, or with any byte replaced by any other; what still reads must say the same."""
    whole = (OLD / "schema-2.json").read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(
        st.sampled_from([whole[:place], whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]])
    )
    path = Path(mkdtemp()) / "r.json"
    path.write_bytes(changed)
    assert store.read_record(path) in (None, json.loads(whole))
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema": 2}', b"NaN"])
def test_what_is_no_record_is_none(content, tmp_path):
    (tmp_path / "r.json").write_bytes(content)
    assert store.read_record(tmp_path / "r.json") is None


def calls(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name_of(file):
    parts = next(file.relative_to(root).with_suffix("").parts for root in ROOTS if file.is_relative_to(root))
    return ".".join(p for p in parts if p != "__init__")


def test_nothing_reads_by_a_module_that_can_run_code():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & READS, file


def test_every_checkpoint_is_loaded_as_weights_only_and_no_array_by_pickle():
    seen = 0
    for file in FILES:
        for call in calls(file):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if ast.unparse(call.func) == "torch.load":
                assert given.get("weights_only") == "True", file
                seen += 1
            assert given.get("allow_pickle", "False") == "False", file
    assert seen >= 3


def test_no_text_is_run_but_that_of_our_own_formulas():
    for file in FILES:
        for call in calls(file):
            if isinstance(call.func, ast.Name) and call.func.id in RUNS:
                assert name_of(file) in RUNS[call.func.id], f"{file} calls {call.func.id}"


def test_the_files_that_are_looked_at_are_all(tmp_path):
    assert len(FILES) > 300
    assert {name_of(f) for f in FILES} >= sources.closure("inertialab.experiments.commands")

"""Whatever is given to a command, wrong input is one sentence and exit code 2: no traceback, nothing half-written."""

import contextlib
import io
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inertialab.experiments import store
from inertialab.experiments.__main__ import main as experiments
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps.plan import PARTS, read_plan
from inertialab.verification.__main__ import main as verification

NO_NUMBER = st.sampled_from(["nan", "-inf", "inf", "-1", "1e999", "-0.5", "", "one", "0x1p", "--", "1,5", "[]"])
NO_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0*[]?"), max_size=12).map(lambda t: f"?{t}")
POSITIVE = ("--eta", "--barrier", "--steps", "--particles")


def outcome(main, arguments):
    """Exit code and what was said on standard error; a parser that refuses leaves by SystemExit."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as left:
            code = left.code
            return code, err.getvalue(), True
    return code, err.getvalue(), False


def refused(main, arguments, folder=None):
    code, said, by_parser = outcome(main, arguments)
    assert code == 2, (arguments, code, said)
    assert "Traceback" not in said
    if not by_parser:
        assert len(said.strip().splitlines()) == 1, said
        assert len(said.split()) >= 4
    if folder is not None:
        assert not [p for p in folder.rglob("*") if p.is_file() and p.name != "given"]


@contextlib.contextmanager
def home():
    folder = Path(mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@given(st.sampled_from(["simulate", "escape"]), st.sampled_from(POSITIVE), NO_NUMBER)
def test_numbers_that_are_none(word, option, value):
    with home() as out:
        needed = [] if option == "--barrier" else ["--barrier", "3"]
        refused(experiments, [word, *needed, f"{option}={value}", f"--out={out / 'out'}"], out)


@given(
    st.sampled_from(
        [
            ("simulate", "--landscape"),
            ("simulate", "--optimizer"),
            ("simulate", "--law"),
            ("simulate", "--precision"),
            ("escape", "--method"),
            ("escape", "--settings"),
            ("escape", "--shape"),
            ("campaign", "--optimizer"),
            ("campaign", "--model"),
            ("compare", "--out"),
            ("sweep", "--cluster"),
        ]
    ),
    NO_NAME,
)
def test_names_that_are_none(where, name):
    word, option = where
    with home() as out:
        needed = ["--barrier", "3"] if word in ("simulate", "escape") else []
        refused(
            experiments,
            [word, *needed, f"{option}={name}", *([] if option == "--out" else [f"--out={out / 'o'}"])],
            out,
        )


@given(
    st.sampled_from(["run", "judge", "board", "maps", "calibrate", "network", ""]),
    st.sampled_from(
        ["--only", "--seed", "--jobs", "--shard", "--tier", "--limit", "--cluster", "--device", "--format"]
    ),
    st.one_of(NO_NUMBER, NO_NAME),
)
def test_words_and_options_of_the_verification(word, option, value):
    """Numbers that are allowed, such as a limit of infinity, are not among these; a limit must be finite."""
    with home() as out:
        if option == "--limit" and value in ("", "--"):
            value = "nan"
        if option in ("--cluster", "--shard") and value == "":
            value = "?"
        refused(verification, [*([word] if word else []), f"{option}={value}", f"--out={out / 'o'}"], out)


KEYS = st.sampled_from([*PARTS, "x", "draws", "low", "high", "points", "log", "eta", "barrier", "méthode"])
VALUES = st.recursive(
    st.one_of(
        st.integers(-3, 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=5)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@settings(max_examples=150)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_sweeps_of_any_shape_are_read_or_refused_with_a_sentence(content):
    with home() as folder:
        file = folder / "given"
        file.write_text("".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in content.items()), encoding="utf-8")
        points, told = (), ""
        try:
            points = read_plan(file).points
        except WrongInputError as error:
            told = str(error)
        assert bool(points) != (len(told.splitlines()) == 1)


@given(st.binary(max_size=60))
def test_a_sweep_of_any_bytes_is_refused(content):
    with home() as folder:
        (folder / "given").write_bytes(content)
        refused(experiments, ["sweep", folder / "given", "--out", folder / "out"], folder)


TABLES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.lists(st.sampled_from(["1", "2.5", "x", "", "nan", "1e999", '"', "y"]), max_size=4), max_size=6).map(
        lambda rows: "\n".join(",".join(row) for row in rows).encode()
    ),
)


@settings(max_examples=60)
@given(st.sampled_from(["har", "arbal"]), TABLES)
def test_a_table_of_anything_is_refused(word, content):
    with home() as folder:
        (folder / "given").write_bytes(content)
        needed = ["--group", "site"] if word == "har" else []
        refused(
            experiments, [word, "--data", folder / "given", "--target", "y", *needed, "--out", folder / "out"], folder
        )


RECORDS = st.one_of(
    st.binary(max_size=60),
    st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=4)), lambda x: st.lists(x, max_size=3)).map(
        lambda x: json.dumps(x).encode()
    ),
    st.dictionaries(
        st.sampled_from(["schema", "status", "key", "result", "rows", "tier", "seal", "weights"]),
        st.one_of(st.none(), st.integers(-1, 4), st.just("complete"), st.just({}), st.lists(st.just({}), max_size=2)),
    ).map(lambda x: json.dumps(x).encode()),
)


@given(RECORDS)
def test_a_network_whose_record_is_anything_is_refused(content):
    with home() as folder:
        (folder / "given").write_bytes(content)
        refused(verification, ["network", folder / "given"], folder)


@given(RECORDS)
def test_a_board_of_anything_is_refused(content):
    with home() as folder:
        (folder / "board.json").write_bytes(content)
        code, said, _ = outcome(verification, ["board", "--out", folder])
        assert code == 2, (content, code)
        assert len(said.strip().splitlines()) == 1


@given(RECORDS)
def test_a_record_of_anything_is_none_of_a_study(content):
    from inertialab.verification import STUDIES, records

    with home() as folder:
        (folder / "sgd-lyapunov.json").write_bytes(content)
        study = STUDIES["sgd-lyapunov"]
        assert not records.current(study, tier="quick", seed=0, device="cpu", folder=folder)
        stored = records.stored([study], folder)
        assert not stored or store.read_record(folder / "sgd-lyapunov.json")


@pytest.mark.parametrize("main", [experiments, verification])
def test_no_word_and_wrong_words(main):
    code, said, _ = outcome(main, ["no-such-word"])
    assert code == 2
    assert "Traceback" not in said

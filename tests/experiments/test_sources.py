"""A record rests on the code that its study imports, and on no other."""

import ast
import sys

import pytest

from inertialab.experiments import sources
from inertialab.verification.docket import STUDIES

PACKAGE = "inertialab."


def rests(study):
    return {m.removeprefix(PACKAGE) for m in sources.closure(STUDIES[study].measure.__module__)}


def test_a_study_rests_on_the_modules_it_imports():
    assert rests("sgd-lyapunov") == {
        "experiments.exact",
        "theory.dynamics",
        "theory.landscapes",
        "theory.symbols",
        "verification.measure.estimate",
        "verification.studies.exact.stationary",
        "verification.studies.study",
    }


@pytest.mark.parametrize("study", STUDIES)
def test_no_study_rests_on_claims_docket_or_court(study):
    assert not [m for m in rests(study) if m.startswith(("theory.claims", "verification.docket", "verification.court"))]
    assert "theory.notation" not in rests(study)


def test_the_loops_concern_the_particles_alone():
    concerned = {id for id in STUDIES if "experiments.loops" in rests(id)}
    assert concerned >= {"counted-passage", "counted-steps", "counted-momentum", "counted-jumps", "adam-flux"}
    rooms = {STUDIES[id].measure.__module__.rpartition(".")[0].rpartition(".")[2] for id in concerned}
    assert rooms == {"particles"}


def test_what_is_imported_by_name_counts():
    """Native loops are imported when they are first needed, by a string."""
    assert "optim.adai_native" in rests("sgd-minimum")


EDITS = {
    "comment": ("    return rows", "    # sorted\n    return rows", True),
    "docstring": ('"""Rows."""', '"""All rows, sorted."""', True),
    "blank line": ("    return rows", "\n    return rows", True),
    "string that is used": ('name = "a # b"', 'name = "a # c"', False),
    "number": ("+ 1", "+ 2", False),
    "indentation": ("    return rows", "        return rows", False),
}
SOURCE = '''"""Rows."""
name = "a # b"  # a name
"""What it is called."""


def rows(n):
    """Rows."""
    rows = []
    for k in range(n):
        rows.append(k + 1)  # from one
    return rows
'''


@pytest.mark.parametrize(("old", "new", "same"), EDITS.values(), ids=EDITS)
def test_words_about_the_code_change_nothing_and_the_code_does(old, new, same):
    assert old in SOURCE
    edited = SOURCE.replace(old, new)
    ast.parse(sources.meaning(SOURCE))
    assert (sources.meaning(edited) == sources.meaning(SOURCE)) is same


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A part of the namespace in which modules can be written."""
    folder = tmp_path / "inertialab" / "made"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (sources.digest, sources.closure, sources.imported, sources.location):
        cached.cache_clear()
    yield folder
    for cached in (sources.digest, sources.closure, sources.imported, sources.location):
        cached.cache_clear()
    for name in [m for m in sys.modules if m.startswith("inertialab.made")]:
        del sys.modules[name]


def written(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def closure(name="top"):
    return {m.removeprefix("inertialab.made").lstrip(".") for m in sources.closure(f"inertialab.made.{name}")}


def test_imports_are_followed_in_all_their_forms(package):
    written(
        package,
        __init__="from . import unseen\n",
        top="import inertialab.made.a\nfrom inertialab.made import b\nfrom . import c\nfrom .d import x\n",
        a="def f():\n    from inertialab.made.e import y\n",
        b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from inertialab.made import typed\n",
        c='from importlib import import_module\nimport_module("inertialab.made.named")\n',
        **dict.fromkeys(("d", "e", "typed", "named", "unseen"), "x = y = 1\n"),
    )
    assert closure() == {"", "top", "a", "b", "c", "d", "e", "named", "unseen"}
    # A package that only lies around a module gives it nothing.
    assert closure("a") == {"a", "e"}


def test_a_name_that_a_package_imports_when_asked_may_come_from_anywhere_in_it(package):
    written(
        package, __init__="def __getattr__(name):\n    ...\n", top="from inertialab.made import thing\n", a="x = 1\n"
    )
    assert closure() == {"", "top", "a"}


@pytest.mark.parametrize("text", ["import inertialab.made as m", "import inertialab.made.a, inertialab.made"])
def test_so_may_what_is_reached_through_the_package_itself(package, text):
    written(package, __init__="__getattr__ = ...\n", top=f"{text}\n", a="x = 1\n", b="x = 1\n")
    assert closure() == {"", "top", "a", "b"}


def test_a_digest_changes_with_what_is_imported(package):
    written(package, top="from inertialab.made.a import x\n", a="x = 1\n", b="x = 1\n")
    before = sources.digest("inertialab.made.top")
    for name, text, same in (("b", "x = 2\n", True), ("a", "x = 1  # one\n", True), ("a", "x = 2\n", False)):
        written(package, **{name: text})
        sources.digest.cache_clear()
        assert (sources.digest("inertialab.made.top") == before) is same

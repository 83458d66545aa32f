"""The page on extending, typed word by word into a copy of the repository, does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
BLOCK = re.compile(
    r"^(?:(?P<new>New file)|In) (?:`(?P<file>[^`]+)`|the same file)(?:, after `(?P<after>[^`]+)`)?[^\n]*:\n\n"
    r"```(?:python| \{ \.python \.row \})\n(?P<code>.*?)^```$",
    re.M | re.S,
)


def section(title):
    """Text of a section of the page."""
    start = PAGE.index(f"## {title}")
    end = PAGE.find("\n## ", start + 1)
    return PAGE[start : end if end > 0 else None]


def typed(tree, text):
    """Write the files and rows of a section where it says; returns how many."""
    blocks, file = list(BLOCK.finditer(text)), ""
    for block in blocks:
        file = block["file"] or file
        path, code = tree / file, block["code"]
        if not block["new"]:
            before, place, rest = path.read_text().partition(block["after"] + "\n")
            assert place, f"{block['after']!r} does not stand in {file}"
            code = before + place + code + rest
        path.write_text(code)
    return len(blocks)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the repository with all that the page adds."""
    folder = tmp_path_factory.mktemp("extended")
    copytree(ROOT, folder, dirs_exist_ok=True, ignore=ignore_patterns(".*", "__pycache__", "site", "runs"))
    assert typed(folder, section("A claim with a particle check")) == 3
    assert typed(folder, section("An optimizer")) == 5
    assert typed(folder, section("A data set for real training")) == 2
    return folder


def run(tree, *arguments, code=0):
    parts = os.pathsep.join(str(tree / part) for part in ("theory", "optim", "experiments", "verification"))
    environment = {**os.environ, "PYTHONPATH": parts}
    found = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == code, found.stdout + found.stderr
    return found.stdout


def test_what_is_typed_is_clean(tree):
    run(tree, "-m", "ruff", "check", ".")
    run(tree, "-m", "ruff", "format", "--check", ".")


def test_the_claim_is_derived_judged_and_found(tree):
    assert "momentum.free-spread" in run(tree, "-m", "inertialab.theory", "show", "momentum.free-spread")
    out = run(
        tree, "-m", "inertialab.verification", "--only", "momentum.free-spread", "--jobs", "1", "--out", "runs/one"
    )
    assert "12 of 12 verdicts as expected" in out
    where = run(tree, "-m", "inertialab.theory", "where", "momentum.free-spread")
    assert [line.split()[0] for line in where.splitlines()] == ["derived", "judged", "row", "measured"]
    missing = run(tree, "-m", "inertialab.theory", "where", "momentum.free-spread", "--missing")
    assert missing.splitlines() == ["free-spread has no committed record."]


def test_the_tests_over_all_claims_pass_with_it(tree):
    tests = ["tests/theory/test_claims.py", "tests/theory/test_mutations.py", "tests/theory/test_limit_table.py"]
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "free or every", *tests)
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "free", "tests/verification")


def test_the_optimizer_passes_the_tests_over_all_rows_and_simulates(tree):
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "signsgd", "tests/optim", "tests/experiments")
    arguments = ["--barrier", "5", "--optimizer", "signsgd", "--eta", "0.02", "--particles", "2000", "--steps", "50"]
    assert "Mean squared" in run(tree, "-m", "inertialab.experiments", "simulate", *arguments)


def test_the_data_set_is_trained_on(tree):
    code = """
from inertialab.verification import study
found = study("iris-softmax-sgd").run(chains=8, relaxations=2.0)
print(len(found.frame()), found.facts["gradient norm"] < 1e-8)
"""
    assert run(tree, "-c", code).split()[-1] == "True"

"""Pages are tests: every fenced block is run word by word, in a copy of the repository, and what it shows is compared.

Files and rows that a page has its reader type are typed into the copy, where it says. What takes too long or needs a
machine that is not here has `skip: next "reason"` above it, in a comment of the page; `invisible-code-block` is what a
page leaves to the reader to have.
"""

import doctest
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
PARTS = ("theory", "optim", "experiments", "verification")
COMPARED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
LEFT = shutil.ignore_patterns(".*", "__pycache__", "site", "runs")
TYPED = re.compile(
    r"^(?:(?P<new>New file)|In) (?:`(?P<file>[^`]+)`|the same file)(?:, after `(?P<after>[^`]+)`)?[^\n]*:\n\n"
    r"``` \{ \.python \.(?:row|file) \}\n(?P<code>.*?)^```$",
    re.M | re.S,
)


def typed(document: Document) -> Iterable[Region]:
    """Blocks that are typed into a file of the repository: a new one, or rows after a line that stands there."""
    meant = len(re.findall(r"^``` \{ \.python \.(?:row|file) \}$", document.text, re.M))
    matches = [*TYPED.finditer(document.text)]
    if meant != len(matches):
        raise ValueError(f"{document.path}: of {meant} blocks to be typed in, some do not say where in the line above.")
    file = ""
    for found in matches:
        file = found["file"] or file
        yield Region(found.start(), found.end(), (file, found["after"], found["code"]), type_in)


def type_in(example: Example) -> str | None:
    """Type a block into its file; a sentence where its place is not to be found."""
    name, after, code = example.parsed
    path = example.namespace["tree"] / name
    if after:
        before, place, rest = path.read_text().partition(after + "\n")
        if not place:
            return f"{after!r} does not stand in {name}."
        code = before + place + code + rest
    elif path.exists():
        return f"{name} is there already."
    path.write_text(code)
    return None


def run(example: Example) -> str | None:
    """Run a block of the shell; a sentence where a command of it fails."""
    done = _shell(example, "set -euo pipefail\n" + example.parsed)
    return f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}" if done.returncode else None


def compare(example: Example) -> str | None:
    """Run what follows each `$ `, goes on after `> `, and compare what it prints with what stands below it."""
    checker = doctest.OutputChecker()
    for part in re.split(r"^\$ ", example.parsed, flags=re.M)[1:]:
        first, *others = part.splitlines(keepends=True)
        more = list(takewhile(lambda line: line.startswith("> "), others))
        command, shown = first + "".join(line[2:] for line in more), "".join(others[len(more) :])
        done = _shell(example, command)
        if not checker.check_output(shown, done.stdout + done.stderr, COMPARED):
            return f"$ {command}expected:\n{shown}got:\n{done.stdout}{done.stderr}"
    return None


def _shell(example: Example, script: str) -> subprocess.CompletedProcess[str]:
    tree = example.namespace["tree"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    path = f"{tree / '.nox/env/bin'}{os.pathsep}{environment['PATH']}"
    parts = os.pathsep.join(str(tree / part) for part in PARTS)
    environment |= {"PYTHONPATH": parts, "PATH": path, "COLUMNS": "120", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", script], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def copied(namespace: dict[str, Any]) -> None:
    """A copy of the repository, as the folder in which a page's blocks run."""
    namespace["came from"], namespace["tree"] = Path.cwd(), Path(tempfile.mkdtemp()) / "inertialab"
    shutil.copytree(ROOT, namespace["tree"], ignore=LEFT)
    _environment(namespace["tree"] / ".nox" / "env")
    os.chdir(namespace["tree"])


def _environment(folder: Path) -> None:
    """An environment of its own that sees the packages of this one: nothing that a page does can change this one."""
    venv.create(folder, symlinks=True)
    places = {"base": str(folder), "platbase": str(folder)}
    (Path(sysconfig.get_path("purelib", vars=places)) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")


def removed(namespace: dict[str, Any]) -> None:
    """Back to where the tests were, without the copy."""
    os.chdir(namespace["came from"])
    shutil.rmtree(namespace["tree"].parent)


pytest_collect_file = Sybil(
    parsers=[
        typed,
        PythonCodeBlockParser(doctest_optionflags=COMPARED),
        CodeBlockParser("sh", run),
        CodeBlockParser("console", compare),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/guides/*.md"],
    setup=copied,
    teardown=removed,
).pytest()

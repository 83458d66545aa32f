"""What the pages tell a reader to type exists, and the runner of their blocks notices what is wrong."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/guides/*.md"))]
COMMAND = re.compile(r"python -m inertialab\.(\w+)((?:[^\n`]|\\\n)*)")


def asked():
    """Every command of every page, blocks that are left out among them: program, word and options."""
    found = set()
    for page in PAGES:
        for program, rest in COMMAND.findall(page.read_text()):
            words = rest.split(" #")[0].replace("\\\n", " ").split()
            word = words[0] if words and re.fullmatch("[a-z]+", words[0]) else ""
            found |= {(program, word, option) for option in re.findall(r"--[a-z][\w-]*", " ".join(words))}
    return sorted(found)


@cache
def told(program, word):
    command = [sys.executable, "-m", f"inertialab.{program}", *filter(None, [word]), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("program", "word", "option"), asked())
def test_every_option_on_a_page_is_one(program, word, option):
    assert option == "--help" or option in told(program, word)


WRONG = {
    "python": ("```python\n>>> 1 + 1\n3\n\n```\n", "Expected"),
    "code": ("```python\nassert 1 == 2\n```\n", "AssertionError"),
    "shell": ("```sh\nfalse\ntrue\n```\n", "exit code 1"),
    "shown": ("```console\n$ echo 1\n2\n```\n", "got:\n1"),
    "place": ("In `a.py`, after `nowhere`:\n\n``` { .python .row }\nx = 1\n```\n", "does not stand in"),
    "new": ("New file `a.py`:\n\n``` { .python .file }\nx = 1\n```\n", "is there already"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_page_that_is_wrong_fails(tmp_path, kind):
    text, sentence = WRONG[kind]
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "a.py").write_text("")
    (tmp_path / "README.md").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "README.md"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert sentence in done.stdout

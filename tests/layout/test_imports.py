"""The rooms and who may know whom: no module imports itself by a detour, and each contract can be broken."""

import os
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from shutil import copytree, ignore_patterns

import grimp
import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("theory", "optim", "experiments", "verification")
PARTS = ("inertialab.theory", "inertialab.optim", "inertialab.experiments", "inertialab.verification")


def order(graph):
    """Modules, each after those it imports."""
    return list(TopologicalSorter(graph).static_order())


def test_no_import_goes_in_a_circle():
    graph = grimp.build_graph(*PARTS, exclude_type_checking_imports=True, cache_dir=None)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    assert len(order(imports)) > 150
    with pytest.raises(CycleError):
        order({**imports, "inertialab.theory.symbols": {"inertialab.theory.claims.saddle.sgd"}})


ROOMS = "verification/inertialab/verification"
BREACHES = {
    "none": ("optim/inertialab/optim/adam.py", "optim.base import CheckedOptimizer"),
    "a study that knows a claim": (
        f"{ROOMS}/studies/exact/saddle.py",
        "theory import claim",
    ),
    "a study that knows the docket": (
        f"{ROOMS}/studies/study.py",
        "verification import docket",
    ),
    "a simulation that knows a claim": ("experiments/inertialab/experiments/exact.py", "theory.claims import CLAIMS"),
    "an instrument that knows a study": (
        f"{ROOMS}/measure/moments.py",
        "verification.studies import study",
    ),
    "a court that knows the docket": (
        f"{ROOMS}/court/verdict.py",
        "verification.docket import CHECKS",
    ),
    "an optimizer that knows theory": ("optim/inertialab/optim/adam.py", "theory import dynamics"),
}


def broken(root):
    """How many contracts a tree breaks."""
    code = "from importlinter.cli import lint_imports_command as run; run()"
    parts = os.pathsep.join(str(root / part) for part in FOLDERS)
    environment = {**os.environ, "PYTHONPATH": parts}
    command = [sys.executable, "-c", code, "--no-cache"]
    said = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True).stdout
    return int(re.search(r"(\d+) broken", said).group(1))


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_a_contract_is_found(breach, tmp_path):
    for part in FOLDERS:
        copytree(ROOT / part, tmp_path / part, ignore=ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    file, words = BREACHES[breach]
    path = tmp_path / file
    path.write_text(f"{path.read_text()}\nfrom inertialab.{words}\n")
    assert (broken(tmp_path) > 0) == (breach != "none")


def test_no_two_folders_on_the_path_of_the_tests_hold_modules_of_one_name():
    """`tests` and `docs/hooks` are both on it: whichever comes first would hide the other's."""
    beside, hooks = ({path.stem for path in (ROOT / folder).iterdir()} for folder in ("tests", "docs/hooks"))
    assert beside & hooks <= {"__pycache__"}

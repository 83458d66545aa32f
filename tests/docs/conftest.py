"""The site, built once for all tests of a process, or taken from the folder that INERTIALAB_SITE names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "hooks"))  # its modules are named without a package, as MkDocs does


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Folder of the site, built strictly."""
    if made := os.environ.get("INERTIALAB_SITE"):
        return Path(made)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder

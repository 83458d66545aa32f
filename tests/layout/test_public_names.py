"""What a newcomer types first: public names are there, and asking for one imports no more than it needs."""

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ["inertialab.theory", "inertialab.optim", "inertialab.experiments", "inertialab.verification"]


@pytest.mark.parametrize("name", [*PACKAGES, "inertialab.verification.measure"])
def test_every_public_name_is_there_and_listed(name):
    package = import_module(name)
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, public) is not None for public in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


HEAVY = {"torch", "numba", "scipy", "sklearn", "pandas", "matplotlib", "joblib"}
LIGHT = {
    "import inertialab.theory": HEAVY | {"sympy", "inertialab.theory.claims"},
    "import inertialab.theory.dynamics": HEAVY | {"inertialab.theory.claims"},
    "from inertialab.theory import claim": HEAVY,
    "import inertialab.experiments": HEAVY | {"sympy"},
    "import inertialab.verification": HEAVY | {"sympy"},
    "import inertialab.verification.__main__": HEAVY | {"sympy", "rich"},
}


@pytest.mark.parametrize(("statement", "unwanted"), LIGHT.items(), ids=LIGHT)
def test_an_import_brings_no_more_than_it_needs(statement, unwanted):
    code = f"import sys\n{statement}\nprint(*sorted({unwanted!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []

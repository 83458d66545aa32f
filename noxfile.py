"""Task runner: one shared environment, made once; every other session calls its tools."""

import nox

nox.options.default_venv_backend = "venv"  # pip, so that a wheel on disk and an index of your choice are honoured
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

PYTHON = ".nox/env/bin/python"


def _python(session: nox.Session, *args: str) -> None:
    """Run a module in the shared environment."""
    session.run(PYTHON, "-m", *args, external=True)


ORACLES = (
    "backpack-for-pytorch",
    "curvlinops-for-pytorch",
    "einconv",
    "einops",
    "hessian-eigenthings",
    "jaxtyping",
    "linear_operator",
    "opt_einsum",
    "tqdm",
    "unfoldNd",
    "wadler_lindig",
)
"""What tests/verification/measure/test_oracles.py is skipped without."""


SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadfile")
"""Whole files go to one process, so that what a file makes once is made once."""


@nox.session(default=False)
def env(session: nox.Session) -> None:
    """Make the environment that the other sessions use."""
    groups = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    session.install("-c", "constraints.txt", "-e", ".[cluster]", *groups)
    # The wheel that carries the unmodified KaTeX distribution; its own dependencies are of no use here.
    session.install("-c", "constraints.txt", "--no-deps", "djangocms-katex")
    # Independent instruments that tests and benchmarks compare with; one of them asks for a torchvision that it does
    # not need here, and that need not fit the torch at hand.
    session.install("-c", "constraints.txt", "--no-deps", *ORACLES)


@nox.session(venv_backend="none", requires=["env"])
def lint(session: nox.Session) -> None:
    """Check style and import contracts."""
    _python(session, "ruff", "check", ".")
    _python(session, "ruff", "format", "--check", ".")
    session.run(".nox/env/bin/lint-imports", external=True)


@nox.session(venv_backend="none", requires=["env"])
def types(session: nox.Session) -> None:
    """Check types."""
    _python(session, "pyright", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def tests(session: nox.Session) -> None:
    """Run unit, property and doc tests, as many files side by side as there are cores."""
    _python(session, "pytest", *SIDE_BY_SIDE, *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def verify(session: nox.Session) -> None:
    """Confront every claim with its measurements; ends with the verdict board."""
    _python(session, "inertialab.verification", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def docs(session: nox.Session) -> None:
    """Build the site, strictly, into site/."""
    _python(session, "mkdocs", "build", "--strict", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def browse(session: nox.Session) -> None:
    """Look at every page of the site in every way through a browser and axe-core; takes half an hour."""
    session.env["INERTIALAB_EVERY_PAGE"] = "1"
    _python(session, "pytest", "tests/docs/test_browser.py", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def faults(session: nox.Session) -> None:
    """Do to real runs all that can befall them, and count what is lost; figures go to results/faults.json."""
    session.run(PYTHON, "tests/faults/campaign.py", *session.posargs, external=True)


@nox.session(default=False, venv_backend="none", requires=["env"])
def bench(session: nox.Session) -> None:
    """Run a side-by-side speed comparison, or parts of one: nox -s bench -- measure products."""
    if session.posargs:
        session.run(PYTHON, f"benchmarks/{session.posargs[0]}.py", *session.posargs[1:], external=True)
        return
    for name in ("measure", "optim", "simulate", "escape", "training"):
        session.run(PYTHON, f"benchmarks/{name}.py", external=True)

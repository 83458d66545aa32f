"""Measurement and judgement: the claims of theory confronted with simulations and real training.

from inertialab.verification import load_board, load_study, study

load_board("results")                # a DataFrame: one row a check of the committed board
load_study("sgd-minimum", "results")  # what was measured, with the conditions and the units
study("sgd-minimum").run(particles=10_000).frame()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inertialab.verification.docket import CHECKS, STUDIES, study
    from inertialab.verification.published import load_board, load_study
    from inertialab.verification.studies.study import Findings, Measurement, Study

__all__ = ["CHECKS", "STUDIES", "Findings", "Measurement", "Study", "load_board", "load_study", "study"]

_HOMES = {
    "docket": ("CHECKS", "STUDIES", "study"),
    "published": ("load_board", "load_study"),
    "studies.study": ("Findings", "Measurement", "Study"),
}


def __getattr__(name: str) -> Any:
    """Public names are imported where they are asked for, so that the command line answers at once."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

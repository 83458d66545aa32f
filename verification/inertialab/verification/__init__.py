"""Measurement and judgement: the claims of theory confronted with simulations and real training.

from inertialab.verification import load_board, load_study, study

load_board("results")                # a DataFrame: one row a check of the committed board
load_study("sgd-minimum", "results")  # what was measured, with the conditions and the units
study("sgd-minimum").run(particles=10_000).frame()
"""

from typing import TYPE_CHECKING

from inertialab.theory.names import lazily

if TYPE_CHECKING:
    from inertialab.verification.docket import CHECKS, STUDIES, study
    from inertialab.verification.published import load_board, load_study
    from inertialab.verification.studies.study import Findings, Measurement, Study

__all__ = ["CHECKS", "STUDIES", "Findings", "Measurement", "Study", "load_board", "load_study", "study"]

_HOMES = {
    "inertialab.verification.docket": ("CHECKS", "STUDIES", "study"),
    "inertialab.verification.published": ("load_board", "load_study"),
    "inertialab.verification.studies.study": ("Findings", "Measurement", "Study"),
}

__getattr__, __dir__ = lazily(__name__, _HOMES)

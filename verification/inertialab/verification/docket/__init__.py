"""Which claim is confronted with which quantity of which study: points, margins and expectations, one file a subject.

A row is written before its measurement. Studies are named here with their configuration and do not know these rows.
"""

from collections.abc import Collection, Iterable, Sequence

from inertialab.theory.names import meant
from inertialab.verification.court.check import BaseCheck
from inertialab.verification.court.errors import ErrorCheck
from inertialab.verification.docket import (
    active,
    beyond,
    errors,
    escape,
    noise,
    optimizers,
    real_escape,
    real_exits,
    real_saddle,
    real_small,
    real_stationary,
    real_valleys,
    regularisation,
    related_optimizers,
    saddle,
    stationary,
    stationary_beyond,
)
from inertialab.verification.studies.study import Study

SUBJECTS = (
    stationary,
    stationary_beyond,
    beyond,
    real_small,
    real_stationary,
    real_valleys,
    saddle,
    real_saddle,
    escape,
    real_escape,
    real_exits,
    noise,
    optimizers,
    regularisation,
    related_optimizers,
    active,
)

CHECKS = tuple(check for subject in SUBJECTS for check in subject.CHECKS)
"""Every row, in the order of the claims' subjects."""

STUDIES: dict[str, Study] = {check.study.id: check.study for check in (*CHECKS, *errors.CHECKS)}
"""Every study that a row rests on, by id."""


def checks_of(ids: Collection[str]) -> list[BaseCheck]:
    """The rows of some claims."""
    return [check for check in CHECKS if check.claim in ids]


def errors_of(checks: Iterable[BaseCheck]) -> list[ErrorCheck]:
    """What the errors of some rows are judged by."""
    used = {check.study.measure for check in checks}
    return [check for check in errors.CHECKS if check.of in used]


def studies_of(checks: Sequence[BaseCheck]) -> list[Study]:
    """The studies that some rows rest on, and those that tell of their errors."""
    return list({check.study.id: check.study for check in (*checks, *errors_of(checks))}.values())


def study(id: str) -> Study:
    """The study of this id.

    Args:
        id: Its name, which is that of its record, such as `sgd-minimum`.

    Raises:
        ValueError: If there is none; the sentence offers the nearest names.
    """
    if id in STUDIES:
        return STUDIES[id]
    known = f"Known studies: {', '.join(STUDIES)}."
    raise ValueError(f"There is no study {id!r}. {meant(id, STUDIES, known)}")

"""What a run has left, as tables for pandas: the board and the measurements with their units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inertialab.theory import claim
from inertialab.theory.notation import NOTATION, unit
from inertialab.verification.court.board import frame, read_board
from inertialab.verification.docket import CHECKS, study
from inertialab.verification.records import findings_of, stored

if TYPE_CHECKING:
    import pandas


def load_board(path: str | Path = "runs/verification") -> pandas.DataFrame:
    """A verdict board: one row a check, the claim's verdicts repeated; a claim without checks has one row.

    Args:
        path: A board.json, or the folder that it lies in, such as `results`.

    Returns:
        Columns claim, kind, derivation, numerics, simulation, real, power; and of each check study, layer, point,
        predicted, measured, low, high, margin, scale, n, in_regime, expected, verdict.

    Raises:
        BoardError: If there is none.
    """
    return frame(read_board(Path(path)))


def load_study(id: str, path: str | Path = "runs/verification") -> pandas.DataFrame:
    """What a study has measured: one row a measurement.

    Args:
        id: The study.
        path: The folder of the run, such as `results`.

    Returns:
        Columns quantity, value, se, n, entry, group, unit (of value and se), and one for each condition; their units
        stand in `attrs["units"]`.

    Raises:
        ValueError: If there is no such study, or no complete record of it.
    """
    subject, folder = study(id), Path(path) / "evidence"
    record = stored([subject], folder).get(id)
    if record is None:
        raise ValueError(
            f"There is no complete record {folder / id}.json; make it by `python -m inertialab.verification run --out "
            f"{path}`, or measure without a record by `study({id!r}).run()`."
        )
    table = findings_of(record).frame()
    laws = {check.quantity: claim(check.claim).lhs for check in CHECKS if check.study.id == subject.id}
    table.insert(1, "unit", [unit(laws[q]) if q in laws else "" for q in table["quantity"]])
    conditions = list(table.columns)[list(table.columns).index("group") + 1 :]
    table.attrs["units"] = {c: unit(NOTATION[c].symbol) for c in conditions if c in NOTATION}
    return table

"""What changed between two boards: verdicts alone, which boards of any version have, and small enough to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inertialab.experiments import store
from inertialab.verification.court.board import COLUMNS, BoardError

ABOUT = ("commit", "tier", "device")

Verdicts = Mapping[str, Mapping[str, str]]
"""A word for each layer of each claim; `(weak)` stands behind a confirmation that would not have seen enough."""


@dataclass(frozen=True)
class Change:
    """What became of a layer of a claim; None where the claim was not, or is no longer, on the board."""

    claim: str
    layer: str
    before: str | None
    after: str | None


def digest(board: Mapping[str, Any]) -> dict[str, Any]:
    """The verdicts of a board and what it was made from: what results/history keeps of boards that were published."""
    rows = {row["id"]: {layer: _word(row, layer) for layer in COLUMNS} for row in board["rows"]}
    return {**{name: board.get(name) for name in ABOUT}, "rows": rows}


def _word(row: Mapping[str, Any], layer: str) -> str:
    return row[layer] + (" (weak)" if layer in row.get("weak", ()) else "")


def read_digest(path: Path) -> dict[str, Any]:
    """The verdicts of a board, of a folder with one, or of a file of results/history.

    Raises:
        BoardError: If there are none.
    """
    found = store.read_json(path / "board.json" if path.is_dir() else path) or {}
    rows = found.get("rows")
    if isinstance(rows, dict):
        return found
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"id", *COLUMNS} <= row.keys() for row in rows):
        raise BoardError(
            f"There are no verdicts at {path}; give a board.json, its folder or a file of results/history."
        )
    return digest(found)


def changes(old: Verdicts, new: Verdicts) -> list[Change]:
    """Every layer whose word is another one, in the order of the new board; what left the board comes last.

    >>> row = dict.fromkeys(COLUMNS, "proven")
    >>> changes({"a": row}, {"a": row | {"real": "refuted"}})
    [Change(claim='a', layer='real', before='proven', after='refuted')]
    """
    return [
        Change(id, layer, before, after)
        for id in [*new, *(id for id in old if id not in new)]
        for layer in COLUMNS
        if (before := _of(old, id, layer)) != (after := _of(new, id, layer))
    ]


def _of(verdicts: Verdicts, id: str, layer: str) -> str | None:
    return verdicts[id][layer] if id in verdicts else None

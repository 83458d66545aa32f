"""The page of changed verdicts: from each published board to the next, and to the board of today."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import tables

from inertialab.theory import CLAIMS
from inertialab.verification.court.changes import changes, digest

KNOWN = {claim.id for claim in CLAIMS}
HEAD = (
    "# What changed\n\nVerdicts of each published board beside those of the one before, newest first. A claim changes "
    "its verdict where its formula or regime was narrowed, where more was measured, or where an instrument was mended. "
    "`python -m inertialab.verification compare OLD NEW` prints the same of any two boards.\n"
)


def page(folder: Path, board: Mapping[str, Any]) -> str:
    """The page of what changed, from results/history and the committed board."""
    kept = [(file.stem, json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))]
    boards = [(name.partition("-")[2], content) for name, content in kept]
    if not boards or boards[-1][1]["rows"] != digest(board)["rows"]:
        boards.append(("now", digest(board)))
    parts = [_between(*pair) for pair in pairwise(boards)]
    return "\n".join([HEAD, *reversed(parts)])


def _between(old: tuple[str, Mapping[str, Any]], new: tuple[str, Mapping[str, Any]]) -> str:
    found = changes(old[1]["rows"], new[1]["rows"])
    come = _ids(c for c in found if c.before is None)
    gone = _ids(c for c in found if c.after is None)
    other = [c for c in found if None not in (c.before, c.after)]
    commit = f", commit `{new[1]['commit'][:10]}`" if new[1].get("commit") else ""
    parts = [f"## {new[0]}{commit}\n", f"{len(new[1]['rows'])} claims.\n"]
    if other:
        rows = [(_claim(c.claim), c.layer, _word(c.before), _word(c.after)) for c in other]
        parts.append(tables.table(("claim", "layer", "before", "since"), rows))
    parts += [f"{said}: {', '.join(map(_claim, ids))}.\n" for said, ids in (("New", come), ("Gone", gone)) if ids]
    return "\n".join(parts)


def _ids(found: Any) -> Sequence[str]:
    return [id for id, _ in groupby(found, key=lambda change: change.claim)]


def _claim(id: str) -> str:
    return f"[`{id}`](claims/{id}.md)" if id in KNOWN else f"`{id}`"


def _word(word: str | None) -> str:
    plain, _, weak = (word or "").partition(" (")
    return tables.verdict(plain) + (f" ({weak}" if weak else "")

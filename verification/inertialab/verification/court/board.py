"""The verdict board: one row a claim, as a file for other programs and as a table for pandas."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inertialab.experiments import store
from inertialab.experiments.errors import WrongInputError
from inertialab.theory import Claim, NotProvenError, claim
from inertialab.theory.ledger import entry
from inertialab.theory.parting import parting
from inertialab.verification.court.check import BaseCheck
from inertialab.verification.court.judgement import Judgement
from inertialab.verification.court.power import LayerPower, Power, bar
from inertialab.verification.court.registration import registration
from inertialab.verification.court.rivals import ENOUGH
from inertialab.verification.court.verdict import Verdict

if TYPE_CHECKING:
    import pandas

SCHEMA = 3
LAYERS = ("numerics", "simulation", "real")
COLUMNS = ("derivation", *LAYERS)
"""Of a board: the first court, then the layers of the second."""
ABOUT = ("tier", "device", "seed")
"""What all rows of a board have in common."""
ROW = {"id", "kind", "derivation", "failure", *LAYERS, "expected", "power", "variants", "survivors", "stale", "checks"}
"""What every row says."""


class BoardError(WrongInputError):
    """A board that is not there, or that a run cannot be added to."""


def derivation_status(subject: Claim) -> str:
    """Outcome of the first court.

    `proven` when the machine checked every step; `checked numerically` or `assumed` when some steps rest on that;
    `contradicts` when a step does not follow, or when the derivation of a published formula ends elsewhere.
    """
    try:
        statuses, found = {step.status for step in subject.steps}, parting(subject)
    except NotProvenError:
        return "contradicts"
    if subject.kind == "attributed" and found and found.relation in ("differs by a factor", "contradicts"):
        return "contradicts"
    return next((status for status in ("assumed", "checked numerically") if status in statuses), "proven")


def layer_verdict(subject: Claim, layer: str, judgements: Sequence[Judgement]) -> str:
    """Verdict of one kind of evidence: of the points inside the claim's regime, every one must agree."""
    if layer not in subject.layers:
        return "not applicable"
    rows = [j for j in judgements if j.comparison.check.layer == layer and not j.comparison.instead]
    verdicts = {j.verdict for j in rows if j.comparison.in_regime}
    if not verdicts:
        return "not measured"
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        if verdict in verdicts:
            return str(verdict)
    return str(Verdict.CONFIRMED)


def beyond(layer: str, judgements: Sequence[Judgement]) -> dict[str, int]:
    """How many points outside the claim's regime got which verdict, of one kind of evidence."""
    rows = [j for j in judgements if j.comparison.check.layer == layer and not j.comparison.instead]
    return dict(Counter(str(j.verdict) for j in rows if not j.comparison.in_regime))


def is_weak(power: LayerPower | None, largest: float) -> bool:
    """Whether a layer would not have seen so large an error of the prefactor; so it is without values to try."""
    effect = power.effects.get("prefactor") if power else None
    return effect is None or effect > largest


def board_row(
    id: str,
    judgements: Sequence[Judgement],
    power: Power | None,
    stale: Mapping[str, str] | None = None,
    docket: Mapping[str, Sequence[str]] | None = None,
    rivals: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """One claim's row of the board.

    Args:
        id: The claim.
        judgements: Those of this claim.
        power: What wrong variants of its formula met, None when nothing was measured.
        stale: Studies whose records do not belong to this code, and why.
        docket: Digests of the rows that stood on the docket when each study was measured.
        rivals: Decimal logarithms of likelihood ratios in real training, from `court.rivals`.
    """
    subject = claim(id)
    verdicts = {layer: layer_verdict(subject, layer, judgements) for layer in LAYERS}
    layers = {} if power is None else power.layers
    return {
        "id": id,
        "kind": subject.kind,
        "derivation": derivation_status(subject),
        "failure": entry(subject).failure,
        **verdicts,
        "beyond": {layer: counts for layer in LAYERS if (counts := beyond(layer, judgements))},
        "expected": subject.expected,
        "power": None if power is None else power.share,
        "variants": 0 if power is None else power.tried,
        "survivors": [] if power is None else list(power.survivors),
        "power_by_layer": {layer: dict(layers[layer].effects) for layer in LAYERS if layer in layers},
        "survivors_by_layer": {layer: list(layers[layer].survivors) for layer in LAYERS if layer in layers},
        "weak": _weak(subject, verdicts, layers, rivals or {}),
        "rivals": dict(rivals or {}),
        "stale": sorted({j.comparison.check.study.id for j in judgements} & set(stale or {})),
        "checks": [{**j.row(), "registered": _registered(j.comparison.check, docket or {})} for j in judgements],
    }


def _weak(
    subject: Claim, verdicts: Mapping[str, str], layers: Mapping[str, LayerPower], rivals: Mapping[str, float]
) -> list[str]:
    """Layers that confirm and would have missed what they must see; real training also if no rival is out."""
    confirmed = [layer for layer in LAYERS if verdicts[layer] == Verdict.CONFIRMED]
    close = bool(rivals) and max(rivals.values()) < ENOUGH
    seen = {layer: not is_weak(layers.get(layer), bar(subject.id, subject.kind, layer)) for layer in confirmed}
    return [layer for layer in confirmed if not seen[layer] or (layer == "real" and close)]


def _registered(check: BaseCheck, docket: Mapping[str, Sequence[str]]) -> bool:
    """Whether a row was written, as it stands, before its study was measured."""
    return registration(check) in docket.get(check.study.id, ())


def board(
    rows: Sequence[Mapping[str, Any]],
    *,
    tier: str,
    device: str,
    seed: int,
    absent: Mapping[str, str],
    stale: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
    docket: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The content of board.json, a public interface.

    Args:
        rows: One per claim, from `board_row`.
        tier: quick or full.
        device: Device of the measurements.
        seed: Seed of the run.
        absent: Studies that were left out, and why.
        stale: Studies whose records do not belong to this code, and why.
        errors: Verdicts on the standard errors themselves, from `court.errors`.
        docket: Digests of the rows that were judged, by study.
    """
    commit, dirty = store.commit()
    return {
        "schema": SCHEMA,
        "commit": commit,
        "dirty": dirty,
        "tier": tier,
        "device": device,
        "seed": seed,
        "versions": store.versions(),
        "absent": dict(absent),
        "stale": dict(stale or {}),
        "docket": hashlib.sha256(json.dumps(docket or {}, sort_keys=True).encode()).hexdigest()[:12],
        "errors": list(errors),
        "rows": list(rows),
    }


def merged(content: Mapping[str, Any], before: Mapping[str, Any] | None, order: Iterable[str]) -> dict[str, Any]:
    """A board with the rows that it lacks taken from an earlier one, so that a partial run never cuts a board.

    Args:
        content: The new board.
        before: The earlier one, None if there is none; of the same tier, device and seed.
        order: All ids of claims, in reading order.

    Returns:
        The new board; a row from before says by `commit` where it comes from, and what was left out or stale for it
        is said again.
    """
    rows = {row["id"]: row for row in content["rows"]}
    if before is None:
        before = {"rows": []}
    kept = {r["id"]: {"commit": before["commit"], **r} for r in before["rows"] if r["id"] not in rows}
    both = rows | kept
    mine = {c["check"] for row in content["rows"] for c in row["checks"]}
    absent = {study: why for study, why in before.get("absent", {}).items() if study not in mine}
    old = {study for row in kept.values() for study in row["stale"]}
    stale = {study: why for study, why in before.get("stale", {}).items() if study in old}
    return {
        **content,
        "absent": absent | content["absent"],
        "stale": stale | content["stale"],
        "rows": [both[id] for id in order if id in both],
    }


def mismatch(before: Mapping[str, Any], *, tier: str, device: str, seed: int) -> str:
    """Why a run cannot be added to a board, in one sentence; empty when it can."""
    mine = {"tier": tier, "device": device, "seed": seed}
    other = [f"{name} {before.get(name)}" for name in ABOUT if before.get(name) != mine[name]]
    return f"it is of {', '.join(other)}, this run of {', '.join(f'{n} {v}' for n, v in mine.items())}" if other else ""


def read_board(path: Path) -> dict[str, Any]:
    """The content of a board.json.

    Args:
        path: The file, or the folder that it lies in.

    Raises:
        BoardError: If there is none; the sentence says how to make one.
    """
    file = path / "board.json" if path.is_dir() else path
    found = store.read_json(file)
    if found is None or "rows" not in found:
        raise BoardError(
            f"There is no verdict board at {path}; make one by `python -m inertialab.verification --out {path}`."
        )
    if (
        found.get("schema") != SCHEMA
        or not (isinstance(found["rows"], list) and {*ABOUT, "commit", "absent"} <= found.keys())
        or not all(isinstance(row, dict) and row.keys() >= ROW for row in found["rows"])
    ):
        raise BoardError(
            f"{file} is not a verdict board of this version; make it again by `python -m inertialab.verification judge "
            f"--out {file.parent}`."
        )
    return found


def earlier(folder: Path, *, whole: bool) -> dict[str, Any] | None:
    """The board that a run is added to, None if there is none.

    Args:
        folder: Where it lies.
        whole: Whether the run takes the place of every row, so that a board that cannot be read does not matter.

    Raises:
        BoardError: If it cannot be read, and rows of it would be lost.
    """
    file = folder / "board.json"
    if not file.exists():
        return None
    try:
        return read_board(file)
    except BoardError:
        if whole:
            return None
        raise BoardError(
            f"--out {folder}: its board.json is not a verdict board of this version, so nothing can be added to it; "
            "choose another folder, or take all claims."
        ) from None


def frame(content: Mapping[str, Any]) -> pandas.DataFrame:
    """A board as a table: one row a check, the claim's own columns repeated; claims without checks have one row.

    Args:
        content: What `read_board` gives.
    """
    import pandas

    rows = []
    for row in content["rows"]:
        own = {k: row[k] for k in ("id", "kind", *COLUMNS, "power")}
        own = {("claim" if k == "id" else k): v for k, v in own.items()}
        for check in row["checks"] or [{}]:
            rows.append({**own, **{("study" if k == "check" else k): v for k, v in check.items()}})
    return pandas.DataFrame(rows)


def flat(table: pandas.DataFrame) -> pandas.DataFrame:
    """A table with points and entries as JSON text, for file formats that want one type a column."""
    return table.map(lambda cell: json.dumps(cell) if isinstance(cell, dict | list) else cell)


def differing(content: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Ids of the claims whose rows are not the same on two boards; numbers may differ by rounding.

    Args:
        content: A board.
        expected: Another.
    """
    one, other = ({row["id"]: row for row in board["rows"]} for board in (content, expected))
    return [id for id in one | other if id not in one or id not in other or not _alike(one[id], other[id])]


def _alike(one: Any, other: Any) -> bool:
    """Whether two rows agree in all that the second says, numbers to a billionth."""
    if isinstance(other, dict):
        return isinstance(one, dict) and all(key in one and _alike(one[key], value) for key, value in other.items())
    if isinstance(other, list):
        return isinstance(one, list) and len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(other, float) and isinstance(one, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-300)
    return one == other

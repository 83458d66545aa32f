"""All records of a sweep in one Parquet table, compressed by zstd, with where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inertialab.experiments import store
from inertialab.experiments.sweeps.points import Point

SCHEMA = 1
ABOUT = b"inertialab"
"""Name of the table's metadata: JSON with schema, target, digest of the plan, commits, codes, versions, and counts."""
KINDS = ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64()), (str, pa.string()))


def row_of(point: Point, record: Mapping[str, Any]) -> dict[str, Any]:
    """One row: the key, parameters and results by name, seconds, code and commit."""
    told = {"key": point.name, **_flat("", record["key"]["parameters"]), **_flat("result.", record["result"])}
    head = record["commit"] + "+" * bool(record["dirty"])
    return {**told, "wall_s": record["wall_s"], "code": record["key"]["code"], "commit": head}


def _flat(before: str, content: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= _flat(f"{before}{name}.", value) if isinstance(value, Mapping) else {before + name: value}
    return found


def _column(values: Sequence[Any]) -> pa.Array:
    """Values of one type; lists and mixtures as JSON, so that one odd point spoils no table."""
    there = [value for value in values if value is not None]
    numbers = all(type(value) in (int, float) for value in there)
    if numbers and any(type(value) is float for value in there):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    for kind, type_ in KINDS:
        if there and all(type(value) is kind for value in there):
            try:
                return pa.array(values, type_)
            except OverflowError:
                break
    if there and all(isinstance(v, list) and all(type(x) in (int, float) for x in v) for v in there):
        return pa.array([None if v is None else list(map(float, v)) for v in values], pa.list_(pa.float64()))
    return pa.array([None if value is None else json.dumps(value, sort_keys=True) for value in values], pa.string())


def table_of(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> pa.Table:
    """A table of rows, whose columns are all that any row has.

    Args:
        rows: As `row_of` gives them.
        about: What the metadata says, beside the schema.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    text = json.dumps({"schema": SCHEMA, **about}, sort_keys=True)
    return pa.table(columns).replace_schema_metadata({ABOUT: text.encode()})


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table so that it is either the old one or the new one; the same rows give the same bytes."""
    with store.replacing(path) as file:
        pq.write_table(table, file, compression="zstd")


def about_table(path: Path) -> dict[str, Any]:
    """What the metadata of a table says.

    Raises:
        ValueError: If it is not a table of a sweep, or one of a newer schema.
    """
    metadata = pq.read_schema(path).metadata or {}
    about = json.loads(metadata.get(ABOUT, b"{}"))
    if about.get("schema") not in range(1, SCHEMA + 1):
        raise ValueError(f"{path} is of schema {about.get('schema')}; this version reads up to {SCHEMA}.")
    return about

"""Rows of the docket by digest: what was to be judged, and how, before anything was measured."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inertialab.verification.court.check import BaseCheck


def registration(check: BaseCheck) -> str:
    """Digest of all that a row says: claim, layer, study, quantity, points, margin, expectation.

    Args:
        check: The row; its `where` counts by its source and by the values that it closes over.

    Returns:
        12 hexadecimal digits.
    """
    words = [type(check).__name__, check.claim, check.layer, check.study.id, check.quantity, check.margin]
    words += [str(check.expected), check.off_diagonal, check.instead, _meaning(check.where)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:12]


def docket_of(checks: Iterable[BaseCheck]) -> dict[str, list[str]]:
    """The digests of rows, by the study that they rest on."""
    rows: dict[str, list[str]] = {}
    for check in checks:
        rows.setdefault(check.study.id, []).append(registration(check))
    return {study: sorted(found) for study, found in rows.items()}


def _meaning(function: Callable[..., Any]) -> list[Any]:
    """Source without comments and spaces, defaults and what is closed over, as words."""
    source = "".join("".join(line.partition("#")[0].split()) for line in inspect.getsource(function).splitlines())
    closed: Mapping[str, Any] = inspect.getclosurevars(function).nonlocals
    defaults = [_word(value) for value in getattr(function, "__defaults__", None) or ()]
    return [source, defaults, {name: _word(value) for name, value in sorted(closed.items())}]


def _word(value: Any) -> Any:
    """A value as a word that is the same in every process."""
    if callable(value):
        return _meaning(value)
    return getattr(value, "id", None) or repr(value)

"""The verdict board of the home page: a strip of cells by subject, and a line in words for each claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from tables import errors, table, title, unchecked, verdict

from inertialab.theory import claim as named
from inertialab.theory.claims import subject_of
from inertialab.verification.court.board import COLUMNS
from inertialab.verification.court.picture import cell
from inertialab.verification.court.report import strongest

LEGEND = (
    "D derivation, N exact numerics, S simulation, R real training. ✓ proven or confirmed, ≈ checked numerically in a "
    "step, a assumed in a step, ✗ contradicts or refuted, ? undecided, "
    "w weak, · not measured, empty: not applicable."
)


def strip(content: Mapping[str, Any]) -> str:
    """A cell for each claim and layer, by subject; each claim's four cells are a link to its page."""
    parts = [
        f'<div class="strip" role="group" aria-label="{escape(subject)}"><p>{escape(subject)}</p>'
        f"<div>{''.join(map(_cells, rows))}</div></div>"
        for subject, rows in by_subject(content["rows"])
    ]
    return "\n".join([*parts, f'<p class="legend">{LEGEND}</p>'])


def _cells(row: Mapping[str, Any]) -> str:
    said = ", ".join(f"{layer} {row[layer]}" for layer in COLUMNS if row[layer] != "not applicable")
    label = escape(f"{named(row['id']).title.rstrip('.')}: {said}")
    marks = [cell(row, layer) for layer in COLUMNS]
    cells = "".join(f'<i class="cell-{shade}">{sign}</i>' for sign, shade in marks)
    return f'<a href="claims/{row["id"]}.html" title="{label}" aria-label="{label}">{cells}</a>'


def board(content: Mapping[str, Any]) -> str:
    """Every claim in words with its verdicts, by subject, and what the board was made from."""
    parts = []
    for subject, rows in by_subject(content["rows"]):
        lines = [
            (
                f"[{_words(row)}](claims/{row['id']}.md)<br>`{row['id']}` · {row['kind']}{_source(row)}",
                *(_marked(row, layer) for layer in COLUMNS),
                strongest(row) or "–",
            )
            for row in rows
        ]
        header = ("claim", *COLUMNS, "would have seen")
        parts.append(f'### {subject}\n\n<div class="board" markdown>\n\n{table(header, lines)}\n</div>\n')
    return "\n".join([*parts, provenance(content), errors(content["errors"])])


def by_subject(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Rows of the board under their subjects, both in reading order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(subject_of(row["id"]), []).append(row)
    return list(found.items())


def _words(row: Mapping[str, Any]) -> str:
    return title(named(row["id"]))


def _source(row: Mapping[str, Any]) -> str:
    """Whom a claim is attributed to, and whether that was compared with the text."""
    source = named(row["id"]).source
    return f' · <span data-source="{source.key}">{source.key}</span>{unchecked(source)}' if source.key else ""


def _marked(row: Mapping[str, Any], layer: str) -> str:
    return verdict(row[layer]) + (" (weak)" if layer in row.get("weak", ()) else "")


def provenance(content: Mapping[str, Any]) -> str:
    """Tier, device, seed, commit and versions, and what was left out."""
    dirty = " (dirty)" if content["dirty"] else ""
    commit = f"commit `{content['commit'][:10]}`{dirty}" if content["commit"] else "no commit"
    versions = ", ".join(f"{k} {v}" for k, v in content["versions"].items())
    head = f"*{content['tier'].capitalize()} tier, {content['device']}, seed {content['seed']}, {commit}; {versions}.*"
    absent = "".join(f"\n- left out: {study}: {reason}" for study, reason in content["absent"].items())
    return f"{head}\n{absent}\n"

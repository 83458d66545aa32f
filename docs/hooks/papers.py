"""A page for each publication that a claim names: what is attributed to it, and what became of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from tables import LIBRARY, ROOT, linked_entry, prose, stands, table, title, verdict

from inertialab.theory import CLAIMS, Claim
from inertialab.theory.parting import parting
from inertialab.verification.court.board import LAYERS

SAID = yaml.safe_load((ROOT / "CITATION.cff").read_text())
"""How this project is to be cited."""


def cited() -> list[str]:
    """Publications that claims name, by key."""
    return sorted({claim.source.key for claim in CLAIMS if claim.source.key})


def page(key: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of a publication's page.

    Args:
        key: Of references.bib.
        rows: Rows of the board by claim.
    """
    mine = [claim for claim in CLAIMS if claim.source.key == key]
    header = ("statement", "where", "does it follow?", "is it measured?", "what is true instead", "wording")
    cells = [_cells(claim, rows.get(claim.id)) for claim in mine]
    called = LIBRARY.entries[key].fields["title"].replace("{", "").replace("}", "")
    return (
        f"# {called}\n\n{linked_entry(key)}\n\n{_care(mine)}\n\n{table(header, cells)}\n"
        f"## Cite\n\n```bibtex\n{bibtex(key)}\n```\n"
    )


def bibtex(key: str) -> str:
    """The entry as it stands in references.bib."""
    return LIBRARY.entries[key].to_string("bibtex").strip()


def own(id: str) -> str:
    """The entry by which this project, and a claim in it, is cited, from CITATION.cff."""
    authors = " and ".join(f"{{{author['name']}}}" for author in SAID["authors"])
    fields = {"title": f"{{{SAID['title']}}}", "author": authors, "version": SAID["version"], "note": f"Claim {id}"}
    lines = "".join(f"    {name} = {{{text}}},\n" for name, text in fields.items())
    return f"@software{{inertialab,\n{lines}}}"


def _care(mine: list[Claim]) -> str:
    """How far the attribution itself was checked."""
    checked = sum(claim.source.wording_checked for claim in mine)
    if checked == len(mine):
        return "The wording of every statement was compared with the publication."
    return (
        f"Of the {len(mine)} statements attributed to it here, the wording of {checked or 'none'} was compared with "
        "the publication. Where a formula fails, it is the formula as it stands here that fails."
    )


def _cells(claim: Claim, row: Mapping[str, Any] | None) -> tuple[str, ...]:
    courts = [f"{verdict(row[court])} ({court})" for court in LAYERS if row and row[court] != "not applicable"]
    found = parting(claim)
    other = f"[`{claim.corrected_by}`](../claims/{claim.corrected_by}.md)" if claim.corrected_by else ""
    said = [stands(claim, found.relation), prose(found.instead)] if found else []
    told = "<br>".join(part for part in (*said, other) if part)
    return (
        f"[{title(claim)}](../claims/{claim.id}.md)",
        prose(claim.source.locator),
        verdict(row["derivation"] if row else "not measured"),
        "<br>".join(courts) or "–",
        told or "–",
        "checked" if claim.source.wording_checked else "not checked",
    )
